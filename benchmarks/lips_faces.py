"""How far the speech net's lips follow and open as those of real people do: ``python -m benchmarks.lips_faces [CLIP.mp4 ...]``.

The sets are the 60 clips of GRID and the take of FACEGOOD that are never trained on, and films of people (for one's own eyes;
they stay where they are; those whose names share what is before a "-" are one set). A film's lips are measured by the builder's
landmark net, in interocular distances. "r": of the gap at no lag; "lag": where r is best; "articulation": spread of the gap
within a clip, ours / real, in the mean of the clips; "width" the same of the mouth's width; "open in silence": frames in a
pause of the sound in which our lips stand apart.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.lips_sets import Sets
from bithuman_core.pcm import int16_to_float32
from bithuman_core.speech import SpeechNet
from bithuman_core.timing import FPS, SAMPLES_PER_TICK
from training.speech import evaluate
from training.speech.clip import read_16k
from training.speech.films import at_lag, measured
from training.speech.real import FACEGOOD_HELD_OUT, GRID_BENCH_CLIPS, facegood, lip_gaps, mouth_widths
from training.speech.rig import LipModel

LATEST = 8  # ticks on either side in which the best lag is looked for
OPEN = 0.03  # interocular distances
QUIET = 35.0  # dB below the loudest twentieth: a pause of the sound
PAUSE = 5  # ticks of quiet on both sides of a tick in a pause
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Face:
    """A set of clips: samples (16 kHz, -1..1), the measured lip gap and mouth width of their ticks."""

    name: str
    talk: list[tuple[Samples, Samples, Samples | None]]
    opens: bool = True
    """False: the unit of the gap is not ours, so that spreads and means cannot be compared."""


def filmed(path: Path) -> Face:
    """A film with its sound."""
    return Face(path.stem.split("-")[0], [measured(path)])


def by_name(faces: Iterable[Face]) -> Iterator[Face]:
    """Clips of one name made one set."""
    sets: dict[str, list[Face]] = {}
    for face in faces:
        sets.setdefault(face.name, []).append(face)
    for name, several in sets.items():
        yield Face(name, [talk for face in several for talk in face.talk])


def known(sets: Sets) -> Iterator[Face]:
    """The speakers of the shared data, held-out clips alone."""
    z = np.load(sets.data / "grid_s1/part_1.npz")
    audio, start = int16_to_float32(read_16k(sets.data / "grid_s1/part_1.flac")), z["audio_start"]
    marks = z["landmarks"]
    last = range(len(z["names"]) - GRID_BENCH_CLIPS, len(z["names"]))
    seen = {i: (lip_gaps(marks[i], z["idx"]), mouth_widths(marks[i], z["idx"])) for i in last}
    yield Face("GRID s1", [(audio[start[i] : start[i + 1]], *seen[i]) for i in last if np.isfinite(seen[i][0]).all()])
    takes = [c for c in facegood(sets.data) if c.name == FACEGOOD_HELD_OUT]
    yield Face("FACEGOOD", [(int16_to_float32(c.audio), c.gap, None) for c in takes if c.gap is not None], opens=False)


def pauses(samples: Samples, ticks: int) -> NDArray[np.bool_]:
    """Ticks in which the sound has long been quiet and stays so."""
    power = np.square(samples[: ticks * SAMPLES_PER_TICK].reshape(ticks, -1)).mean(1)
    level = 10 * np.log10(power + 1e-10)
    loud = level > np.quantile(level, 0.95) - QUIET
    return np.convolve(loud, np.ones(2 * PAUSE + 1), "same") == 0


def scores(face: Face, net: SpeechNet, lips: LipModel) -> dict[str, float]:
    """r, best lag (ms), articulation of gap and width, mean gap, and the share of open frames in pauses."""
    pairs, widths, open_in_pause = [], [], []
    for samples, gap, width in face.talk:
        ticks = evaluate.speak(net, samples)
        ours = evaluate.lip_gaps(lips, ticks)
        n = min(len(ours), len(gap))
        pairs.append((ours[:n], gap[:n]))
        if width is not None:
            widths.append((evaluate.mouth_widths(lips, ticks)[:n], width[:n]))
        open_in_pause.append(ours[:n][pauses(samples, n)] > OPEN)
    by_lag = {lag: float(np.mean([at_lag(a, b, lag) for a, b in pairs])) for lag in range(-LATEST, LATEST + 1)}
    best = max(by_lag, key=lambda lag: by_lag[lag])
    ours, real = (np.concatenate([p[k] for p in pairs]) for k in (0, 1))
    rest = np.concatenate(open_in_pause)
    found = {"seconds": len(real) / FPS, "r": by_lag[0], "lag ms": 1000 / FPS * best, "r there": by_lag[best]}
    spread = {"articulation": articulation(pairs), "mean": float(ours.mean()), "real mean": float(real.mean())}
    never = dict.fromkeys(spread, float("nan"))
    found |= spread if face.opens else never
    found |= {"width r": float(np.mean([at_lag(a, b, 0) for a, b in widths])) if widths else float("nan")}
    found |= {"width": articulation(widths) if widths else float("nan")}
    return found | {"open in silence": float(rest.mean()) if len(rest) else float("nan")}


def articulation(pairs: list[tuple[Samples, Samples]]) -> float:
    """Spread of ours / of the real, in the mean of the clips: a speaker's habit to hold the lips apart is not counted."""
    ours, real = (float(np.mean([p[k].std() for p in pairs])) for k in (0, 1))
    return ours / real


def main() -> None:
    root = Path(__file__).parents[1]
    args = argparse.ArgumentParser(prog="python -m benchmarks.lips_faces", description=__doc__)
    args.add_argument("clips", nargs="*", type=Path, help="films of people that are heard in them")
    args.add_argument("--net", type=Path, help="another speech.onnx")
    args.add_argument("--data", type=Path, default=root / "../shared/data")
    args.add_argument("--bench", type=Path, default=root / "../shared/tools/lip_bench")
    opt = args.parse_args()
    sets = Sets(opt.bench, opt.data)
    net = SpeechNet.load(opt.net)
    lines: list[str] = []
    for face in (*known(sets), *by_name(map(filmed, opt.clips))):
        row = scores(face, net, sets.lips)
        lines = lines or [f"| speaker | {' | '.join(row)} |", "|---" * (len(row) + 1) + "|"]
        lines.append(f"| {face.name} | {' | '.join(f'{v:.3f}' if abs(v) < 2 else f'{v:.0f}' for v in row.values())} |")
    print("\n".join(lines))


if __name__ == "__main__":
    main()

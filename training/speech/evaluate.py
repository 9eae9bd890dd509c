"""How good the exported net is: on voices and faces that the training never met, and where nobody speaks.

The metrics are those of the lip bench (``lip_metrics.py`` in its folder); lip gaps come from the reference character.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bithuman_core.speech import SpeechNet, SpeechTick, viseme_name
from bithuman_core.timing import LOOKAHEAD_TICKS, SAMPLES_PER_TICK
from training.speech import augment
from training.speech.clip import Clip
from training.speech.rig import DRIVEN, LipModel, arkit_names

CLOSED_GAP = 0.02
Row = tuple[str, dict[str, float]]


def speak(net: SpeechNet, samples: NDArray[np.float32]) -> list[SpeechTick]:
    """The ticks of a whole clip, float32 [n] in -1..1."""
    stream = net.stream()
    samples = samples[: len(samples) // SAMPLES_PER_TICK * SAMPLES_PER_TICK]
    padded = np.concatenate([samples, np.zeros(LOOKAHEAD_TICKS * SAMPLES_PER_TICK, np.float32)])
    return [stream.push(tick) for tick in padded.reshape(-1, SAMPLES_PER_TICK)][LOOKAHEAD_TICKS:]


def lip_gaps(lips: LipModel, ticks: Iterable[SpeechTick]) -> NDArray[np.float32]:
    """Lip gap of every tick as the motion CSV measures it, interocular distances."""
    return np.abs(lips.gap(driven(ticks))).astype(np.float32)


def mouth_widths(lips: LipModel, ticks: Iterable[SpeechTick]) -> NDArray[np.float32]:
    """Width of the mouth of every tick, interocular distances."""
    return lips.width(driven(ticks)).astype(np.float32)


def driven(ticks: Iterable[SpeechTick]) -> NDArray[np.float32]:
    """The coefficients of every tick in the order of :data:`training.speech.rig.DRIVEN`, float32 [ticks, 13]."""
    columns = list(arkit_names()[1])
    return np.stack([t.mouth for t in ticks])[:, [columns.index(i) for i in range(len(DRIVEN))]]


def pink(samples: NDArray[np.float32], snr_db: float, seed: int) -> NDArray[np.float32]:
    """``samples`` with pink noise at the given signal-to-noise ratio."""
    noise = augment.coloured_noise(np.random.default_rng(seed), len(samples), 0.5)
    power = float(np.mean(np.square(samples)))
    noisy = np.clip(samples + noise * np.sqrt(power / 10 ** (snr_db / 10)), -1, 1)
    return np.asarray(noisy, np.float32)


def held_out(net: SpeechNet, lips: LipModel, clips: list[Clip], bench: Path) -> list[Row]:
    """Phone and face scores on the held-out clips, clean and noisy."""
    sys.path.insert(0, str(bench))
    from lip_metrics import Track, face_scores, phone_scores

    def track(samples: NDArray[np.float32]) -> Track:
        ticks = speak(net, samples)
        return Track(lip_gaps(lips, ticks), [viseme_name(t.visemes) for t in ticks])

    def sound(clip: Clip) -> NDArray[np.float32]:
        return (clip.audio / 32768).astype(np.float32)

    read = [c for c in clips if c.held_out and c.source == "librispeech"]
    filmed = [c for c in clips if c.held_out and c.gap is not None]
    conditions: dict[str, Callable[[NDArray[np.float32], int], NDArray[np.float32]]] = {
        "LibriSpeech, two held-out speakers": lambda x, i: x,
        "the same, pink noise 20 dB": lambda x, i: pink(x, 20, i),
        "the same, pink noise 10 dB": lambda x, i: pink(x, 10, i),
    }
    rows: list[Row] = [
        (name, phone_scores([(c.segments, track(disturb(sound(c), i))) for i, c in enumerate(read)]))
        for name, disturb in conditions.items()
    ]
    rows.append(("GRID, held-out clips, real lips", face_scores([(c.gap, track(sound(c))) for c in filmed])))
    return rows


def motion_quality(net: SpeechNet, lips: LipModel, clips: list[Clip]) -> dict[str, float]:
    """Our lips against the real ones of the held-out GRID clips, as ratios; jerk is the mean |third difference|."""
    filmed = [c for c in clips if c.held_out and c.gap is not None]
    real = [c.gap for c in filmed if c.gap is not None]
    ours = [lip_gaps(lips, speak(net, (c.audio / 32768).astype(np.float32))) for c in filmed]

    def jerk(tracks: list[NDArray[np.float32]]) -> float:
        return float(np.mean(np.abs(np.concatenate([np.diff(t, 3) for t in tracks]))))

    a, b = np.concatenate(ours), np.concatenate(real)
    ratios = {"mean gap": a.mean() / b.mean(), "spread of the gap": a.std() / b.std(), "jerk": jerk(ours) / jerk(real)}
    return {name: float(ratio) for name, ratio in ratios.items()}


def at_rest(net: SpeechNet, lips: LipModel, seconds: float = 60.0) -> dict[str, float]:
    """Share of frames with closed lips in sounds that are no speech."""
    rng = np.random.default_rng(99)
    n = int(seconds * augment.RATE)
    sounds = {"digital silence": np.zeros(n, np.float32)}
    for name, make in (("hiss", lambda: augment.coloured_noise(rng, n, 0.3)), ("typing", lambda: augment.typing(rng, n)),
                       ("music", lambda: augment.music(rng, n)), ("breath", lambda: augment.breath(rng, n)),
                       ("hum", lambda: augment.hum(rng, n))):  # fmt: skip
        x = make()
        sounds[name] = (x * 0.2 / np.abs(x).max()).astype(np.float32)
    return {name: float((lip_gaps(lips, speak(net, x)) < CLOSED_GAP).mean()) for name, x in sounds.items()}


def table(rows: list[Row], rest: dict[str, float], motion: dict[str, float]) -> str:
    """The card's tables, Markdown."""
    lines = ["| set | r | best lag | closures hit | false closures | 7 classes |", "|---|---|---|---|---|---|"]
    for name, s in rows:
        rate = [f"{s[k]:.2f}" if k in s else "" for k in ("closures", "false_closures", "class_accuracy")]
        lines.append(f"| {name} | {s['r']:.2f} | {s['best_lag_ms']:+d} ms | {' | '.join(rate)} |")
    lines += ["", "| no speech | frames with closed lips |", "|---|---|"]
    lines += [f"| {name} | {share:.1%} |" for name, share in rest.items()]
    lines += ["", "| lips, ours / real (GRID, held-out clips) | ratio |", "|---|---|"]
    lines += [f"| {name} | {ratio:.2f} |" for name, ratio in motion.items()]
    return "\n".join(lines)

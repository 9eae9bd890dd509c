"""Real lips in films of people that may be trained on: the builder's landmark net measures them, and two recognisers hear what is
said (:mod:`training.speech.heard`).

The sound of many films comes late. By how much is where the lips that the shipped net hears in it follow the filmed ones best.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bithuman_core.audio import load_audio
from bithuman_core.build.footage.clip.reading import at_frame_rate
from bithuman_core.build.footage.person.tracking import track
from bithuman_core.build.photo.clip import Clip as Film
from bithuman_core.build.photo.models import load_face_nets
from bithuman_core.pcm import float32_to_int16
from bithuman_core.speech import SpeechNet
from bithuman_core.timing import FPS, SAMPLE_RATE
from training.speech.clip import Clip
from training.speech.evaluate import lip_gaps as gaps_heard
from training.speech.evaluate import speak
from training.speech.heard import Listeners
from training.speech.real import lip_gaps, mouth_widths
from training.speech.rig import LipModel

LATEST = 6  # ticks by which a sound may be late or early
LEAST_R = 0.5  # there; less tells that sound and lips are not of one person, or not measured
ALL_POINTS = np.arange(478)
Samples = NDArray[np.float32]


def measured(path: Path) -> tuple[Samples, Samples, Samples]:
    """A film's samples (16 kHz, -1..1), and lip gap and mouth width of its frames at 25 fps, interocular distances."""
    frames = list(at_frame_rate(Film(path).film()))
    sound, _ = load_audio(path, SAMPLE_RATE)
    marks = track(load_face_nets(), frames, 1).landmarks
    return sound.astype(np.float32), lip_gaps(marks, ALL_POINTS), mouth_widths(marks, ALL_POINTS)


def films(paths: Iterable[tuple[Path, str]], source: str, cache: Path, lips: LipModel) -> Iterator[Clip]:
    """What two recognisers agree on in every (film, speaker), with the lip gaps that were filmed, each put where its sound is."""
    listeners, net = Listeners(cache), SpeechNet.load()
    for path, speaker in paths:
        sound, gap, _ = measured(path)
        late, r = lateness(gaps_heard(lips, speak(net, sound)), gap)
        if r < LEAST_R:
            continue
        seconds = (np.arange(len(sound) * FPS // SAMPLE_RATE) + 0.5) / FPS
        gap = np.interp(seconds - late / FPS, (np.arange(len(gap)) + 0.5) / FPS, gap).astype(np.float32)
        audio = float32_to_int16(sound)
        for start, end, agreement, inside in listeners.agreed(audio, path.stem):
            first, last = round(start * FPS), int(end * FPS)
            part = audio[first * SAMPLE_RATE // FPS : last * SAMPLE_RATE // FPS]
            inside = [(a + start - first / FPS, b + start - first / FPS, p) for a, b, p in inside]
            yield Clip(part, inside, source, speaker, gap[first:last], trust=agreement, name=f"{path.stem}+{start:.2f}")


def lateness(ours: Samples, real: Samples) -> tuple[float, float]:
    """By how many ticks ``ours`` comes after ``real`` (-LATEST..LATEST, between ticks by a parabola), and r there."""
    line = np.array([at_lag(ours, real, -lag) for lag in range(-LATEST - 1, LATEST + 2)])
    best = 1 + int(line[1:-1].argmax())
    before, here, after = line[best - 1 : best + 2]
    bend = before - 2 * here + after
    between = float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else 0.0
    return best - LATEST - 1 + between, float(here)


def at_lag(ours: Samples, real: Samples, lag: int) -> float:
    """Correlation with ``real`` taken ``lag`` ticks later."""
    n = min(len(ours), len(real))
    ours, real = ours[:n], real[:n]
    a, b = (ours[:-lag], real[lag:]) if lag > 0 else (ours[-lag:], real[:lag]) if lag < 0 else (ours, real)
    return float(np.corrcoef(a, b)[0, 1])

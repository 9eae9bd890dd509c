"""The clips of tests/data, and the speech net run over them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from bithuman_core.speech import SpeechNet, SpeechTick
from bithuman_core.timing import LOOKAHEAD_TICKS, SAMPLES_PER_TICK

DATA = Path(__file__).parent / "data"
CLIPS = ("1688-142285-0008", "1688-142285-0005", "espeak")
CLOSED_GAP = 0.02  # interocular distances: below, lips read as closed


def load_clip(name: str) -> tuple[NDArray[np.float32], list[tuple[float, float, str]]]:
    """Samples in -1..1, whole ticks, and the phones (start s, end s, phone)."""
    samples, rate = sf.read(DATA / f"{name}.flac", dtype="float32")
    assert rate == 16_000
    segments = [(float(s), float(e), str(p)) for s, e, p in json.loads((DATA / f"{name}.json").read_text())]
    return np.asarray(samples[: len(samples) // SAMPLES_PER_TICK * SAMPLES_PER_TICK], np.float32), segments


@cache
def shipped_net() -> SpeechNet:
    return SpeechNet.load()


def speak(samples: NDArray[np.float32], style: float = 1.0) -> list[SpeechTick]:
    """The tick of every 640 samples."""
    stream = shipped_net().stream(style)
    padded = np.concatenate([samples, np.zeros(LOOKAHEAD_TICKS * SAMPLES_PER_TICK, np.float32)])
    return [stream.push(tick) for tick in padded.reshape(-1, SAMPLES_PER_TICK)][LOOKAHEAD_TICKS:]


def mouths(ticks: list[SpeechTick]) -> NDArray[np.float32]:
    return np.stack([t.mouth for t in ticks])


def lip_gaps(ticks: list[SpeechTick]) -> NDArray[np.float32]:
    """Lip gap of every tick on the reference character, interocular distances."""
    lips = json.loads((DATA / "lips.json").read_text())
    gap_of = np.array([lips["gap_of"][name] for name in shipped_net().mouth_names])
    return np.abs(lips["rest"] + mouths(ticks) @ gap_of)

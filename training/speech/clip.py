"""One clip of training audio with what is known about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr
from numpy.typing import NDArray

RATE = 16_000  # Hz, of all training audio
HELD_OUT_SPEAKERS = frozenset({"1688", "2033"})  # of LibriSpeech test-other: neither their voices nor their texts
Segment = tuple[float, float, str]  # start s, end s, phone


def read_16k(path: Path) -> NDArray[np.int16]:
    """A mono audio file at 16 kHz."""
    audio, rate = sf.read(path, dtype="int16")
    return np.asarray(audio if rate == RATE else soxr.resample(audio, rate, RATE), np.int16)


@dataclass
class Clip:
    """``audio`` int16 [n] at 16 kHz; ``segments`` its phones in order (None: no speech at all, e.g. music; empty:
    speech of which only the lips are known).

    ``gap``: the speaker's real lip gap at 25 fps, interocular units, float32 [ticks], where it was measured.
    ``source`` names the corpus, ``speaker`` the voice (``corpus/voice``), ``held_out`` clips are never trained on.
    ``trust``: 0..1, how far the phones are believed.
    """

    audio: NDArray[np.int16]
    segments: list[Segment] | None
    source: str
    speaker: str
    gap: NDArray[np.float32] | None = None
    held_out: bool = False
    trust: float = 1.0
    name: str = field(default="")

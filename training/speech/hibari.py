"""The voice that avatars answer with (hibari-tts, Apache-2.0), phone times by forced alignment."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soxr

from bithuman_core.voice import natural
from training.speech.align import Aligner
from training.speech.clip import RATE, Clip
from training.speech.texts import sentences

LOUDEST = 0.9  # of full scale; what the voice gives by itself peaks at a third of it


def hibari(data: Path, aligner: Aligner, count: int, seed: int) -> Iterator[Clip]:
    """``count`` English utterances by each of hibari's voices that are here (one comes inside its package)."""
    rng = random.Random(seed)
    for voice in natural.names():
        for text in sentences(data, rng, count):
            plain = text.replace("_", " ").replace("-", " ")
            sound = soxr.resample(natural.speak(voice, plain), natural.RATE, RATE)
            audio = np.asarray(sound / (np.abs(sound).max() + 1e-9) * LOUDEST * 32767, np.int16)
            if segments := aligner.align(audio, plain):
                yield Clip(audio, segments, "hibari", f"hibari/{voice}", name=text[:40])

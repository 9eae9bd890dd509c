"""A voice without a network: espeak-ng or flite where one is installed, else a recorded sentence."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bithuman_core.audio import float32_to_int16, load_audio
from bithuman_core.settings import speech_clip

RATE = 16_000  # Hz
SECONDS_PER_WORD = 0.4  # of the recorded sentence


def synthesise(text: str) -> NDArray[np.int16]:
    """Say ``text``: int16 mono at 16 kHz."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "speech.wav"
        if shutil.which("espeak-ng"):
            subprocess.run(["espeak-ng", "-w", wav, "--", text], check=True)
        elif shutil.which("flite"):
            subprocess.run(["flite", "-t", text, "-o", wav], check=True)
        else:
            sound, _ = load_audio(speech_clip(), RATE)
            return float32_to_int16(sound[: int(RATE * SECONDS_PER_WORD * len(text.split()))])
        return float32_to_int16(load_audio(wav, RATE)[0])

"""The voices of this machine, and text spoken by one of them."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bithuman_core.audio import float32_to_int16, resample
from bithuman_core.errors import AudioError
from bithuman_core.pcm import int16_to_float32
from bithuman_core.timing import SAMPLE_RATE

PROGRAM = Path(__file__).with_name("espeak.py")
SECONDS = 20.0  # longest wait for the program
TIMBRES = {"woman": "+f3", "man": "+m3"}  # eSpeak NG's voice variants
FIRST = ("en-us", "en-gb")  # of the languages
PEAK = 0.6  # of full scale: eSpeak NG speaks at various levels

HOW_TO_GET_IT = (
    "This server has no voice to read texts with: its host can install one with `pip install espeakng-loader`, "
    "or eSpeak NG from the system's packages (`apt install espeak-ng`, `brew install espeak-ng`)."
)


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice: ``id`` for the program, ``name`` for people (a language)."""

    id: str
    name: str


class TextToSpeech:
    """Speaks texts with eSpeak NG. ``voices`` is empty where it is not there. Takes its time: call it in a worker thread."""

    def __init__(self) -> None:
        self.voices: tuple[Voice, ...] = ()

    def look(self) -> None:
        """Find out which voices there are."""
        code, out = _run(b"", "voices")
        if code == 0:
            found = [Voice(**json.loads(line)) for line in out.splitlines()]
            self.voices = tuple(sorted(found, key=lambda voice: (voice.id not in FIRST, voice.id != FIRST[0], voice.name)))

    def speak(self, text: str, voice: str, timbre: str, longest: float = math.inf) -> NDArray[np.int16]:
        """The text as speech, int16 [n] at 16 kHz.

        Raises AudioError where there is no such voice, nothing to be heard, or more than ``longest`` seconds.
        """
        if not self.voices:
            raise AudioError(HOW_TO_GET_IT)
        if voice not in {known.id for known in self.voices} or timbre not in TIMBRES:
            raise AudioError("This server does not have that voice: choose another one.")
        code, out = _run(text.encode("utf-8", "replace"), "speak", voice + TIMBRES[timbre])
        head, _, samples = out.partition(b"\n")
        sound = int16_to_float32(np.frombuffer(samples[: len(samples) // 2 * 2], np.int16)) if code == 0 else np.zeros(0)
        peak = float(np.abs(sound).max()) if sound.size else 0.0
        if peak == 0:
            raise AudioError("That text makes no sound: write some words.")
        if (seconds := sound.size / int(head)) > longest:
            raise AudioError(f"That text takes {seconds:.0f} s to say, and {longest:.0f} s are spoken at a time: shorten it.")
        return float32_to_int16(resample(sound * (PEAK / peak), int(head), SAMPLE_RATE))


def _run(given: bytes, *arguments: str) -> tuple[int, bytes]:
    """Exit code and output of the program."""
    command = [sys.executable, "-I", str(PROGRAM), *arguments]
    try:
        ended = subprocess.run(
            command, input=given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise AudioError("Making that speech took too long: write a shorter text.") from None
    return ended.returncode, ended.stdout

"""A hundred languages by eSpeak NG, where it is installed: robotic, and always there. Its program runs beside ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bithuman_core.errors import AudioError
from bithuman_core.pcm import int16_to_float32

PROGRAM = Path(__file__).with_name("espeak_program.py")
SECONDS = 20.0  # longest wait for the program
TIMBRES = {"woman": "+f3", "man": "+m3"}  # eSpeak NG's voice variants


def names() -> dict[str, str]:
    """(name: language) of its voices; empty where it is not installed."""
    code, out = _run(b"", "voices")
    found = [json.loads(line) for line in out.splitlines()] if code == 0 else []
    return {voice["id"]: voice["name"] for voice in found}


def speak(name: str, text: str, timbre: str) -> tuple[NDArray[np.float32], int]:
    """The text as sound, float32 [n], and its rate in Hz; empty where nothing of it is said.

    timbre: one of TIMBRES. Raises AudioError where it takes too long.
    """
    code, out = _run(text.encode("utf-8", "replace"), "speak", name + TIMBRES[timbre])
    head, _, samples = out.partition(b"\n")
    if code != 0:
        return np.zeros(0, np.float32), 0
    return int16_to_float32(np.frombuffer(samples[: len(samples) // 2 * 2], np.int16)), int(head)


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

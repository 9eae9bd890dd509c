"""A microphone for Firefox, which has no flag for one: a script speaks a sound file in place of it."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from tests.browser.harness import Evaluates, Recording, as_arrays, begin_recording

SCRIPT = Path(__file__).with_name("microphone.js")
STEP = 0.01  # s


def microphone(sound: Path) -> str:
    """What to put into the page before its own scripts."""
    return f"({SCRIPT.read_text()})({base64.b64encode(sound.read_bytes()).decode()!r});"


def record_spoken(page: Evaluates, seconds: float, sound: Path) -> Recording:
    """Watch for some seconds. What the microphone hears is read from its file: the page noted where in it the speech was."""
    begin_recording(page, seconds)
    raw = page.evaluate("() => window.recording")
    samples, rate = soundfile.read(sound)
    chunks = samples[: samples.size // int(STEP * rate) * int(STEP * rate)].reshape(-1, int(STEP * rate))
    levels = np.sqrt((chunks**2).mean(axis=1))
    position, now = np.array(raw["clocks"]).T
    at = np.arange(now[0] / 1000, now[-1] / 1000, STEP)
    spoken = np.interp(at, now / 1000, np.unwrap(position, period=samples.size / rate))  # it begins again at its end
    return replace(as_arrays(raw), heard_at=at, heard=levels[(spoken / STEP).astype(int) % levels.size])

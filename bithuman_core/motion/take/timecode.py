"""Timecodes: hours:minutes:seconds:frame.part, with and without dropped frame numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bithuman_core.errors import MotionError

COUNTED = (24, 25, 30, 48, 50, 60, 100, 120)  # frame numbers a second that timecodes count
NTSC = 1000 / 1001  # of 24, 30 or 60 frames a second: the rates 23.976, 29.97 and 59.94
DROPPED_A_MINUTE = {30: 2, 60: 4, 120: 8}  # frame numbers that drop-frame timecodes leave out (SMPTE ST 12-1)
DAY = 86_400.0  # s
_CODE = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})([:;])(\d{1,3}(?:\.\d{0,9})?)", re.ASCII)
_CLOCK = re.compile(r"(?:(\d{1,2}):(\d{1,2}):)?(\d{1,9}(?:\.\d{0,9})?)", re.ASCII)


def seconds_of(codes: Sequence[str], fps: float | None, lines: Sequence[int]) -> tuple[NDArray[np.float64], float | None]:
    """(The time of every code, float64 [n], s from midnight on, beyond midnight counted on; the frames a second, where known.)

    codes: ``hh:mm:ss:ff.part`` (``;`` before the frame: drop-frame), ``hh:mm:ss.part``, or plain seconds. fps: how many frames a
    second there truly are; None: as many as are counted, which the highest number before a new second tells. lines: of the codes,
    for sentences. Raises MotionError.
    """
    frames = [_CODE.fullmatch(code.strip()) for code in codes]
    if all(match is None for match in frames):
        return _onwards(np.array([_clock(code, line) for code, line in zip(codes, lines, strict=True)])), None
    parts = np.empty((len(codes), 4))
    for k, match in enumerate(frames):
        if match is None:
            raise MotionError(_unclear(codes[k], lines[k]))
        parts[k] = [float(match[group]) for group in (1, 2, 3, 5)]
    dropping = any(match is not None and match[4] == ";" for match in frames)
    counted = _counted(parts, fps)
    if parts[:, 3].max() >= counted:
        line = lines[int(parts[:, 3].argmax())]
        raise MotionError(f"line {line} has frame {parts[:, 3].max():.0f} of a second that is to have {counted}: check the rate.")
    rate = fps or (counted * NTSC if dropping else float(counted))
    number = (parts[:, 0] * 3600 + parts[:, 1] * 60 + parts[:, 2]) * counted + parts[:, 3]
    day = DAY * counted
    if dropping:
        dropped = DROPPED_A_MINUTE.get(counted, 0)
        minutes = parts[:, 0] * 60 + parts[:, 1]
        number -= dropped * (minutes - minutes // 10)
        day -= dropped * (1440 - 144)
    return _onwards(number / rate, day / rate), rate


def _counted(parts: NDArray[np.float64], fps: float | None) -> int:
    """How many frame numbers a second has."""
    if fps is not None:
        return math.ceil(fps - 1e-6)
    numbers = np.floor(parts[:, 3])
    if not (np.diff(parts[:, :3], axis=0) != 0).any():
        raise MotionError("its timecodes lie within one second, so its rate is not known: say how many frames a second it has.")
    return next((rate for rate in COUNTED if rate > numbers.max()), COUNTED[-1])


def _clock(code: str, line: int) -> float:
    match = _CLOCK.fullmatch(code.strip())
    if match is None:
        raise MotionError(_unclear(code, line))
    return 3600 * float(match[1] or 0) + 60 * float(match[2] or 0) + float(match[3])


def _unclear(code: str, line: int) -> str:
    return f"line {line} has the time {code[:40]!r}: write hours:minutes:seconds:frame, or seconds."


def _onwards(times: NDArray[np.float64], day: float = DAY) -> NDArray[np.float64]:
    """Times that go on beyond midnight."""
    nights = np.concatenate([[0.0], np.cumsum(np.diff(times) < -day / 2)])
    return times + nights * day

"""What tests let a reading process do."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from bithuman_core.errors import AudioError
from bithuman_core.intake.process import Report

Made = tuple[dict[str, Any], bytes]


def echo(report: Report, word: str) -> Made:
    return {"word": word, "pid": os.getpid(), "nice": os.nice(0)}, word.encode() * 2


def steps(report: Report, count: int) -> Made:
    for index in range(count):
        report("counting", index / count)
    return {"count": count}, b""


def work_for_ever(report: Report) -> Made:
    while True:
        pass


def wait_for_ever(report: Report) -> Made:
    threading.Event().wait()
    raise AssertionError


def grow(report: Report, mib: int) -> Made:
    return {"size": int(np.ones(mib << 20, np.uint8).sum())}, b""


def keep(report: Report, mib: int) -> Made:
    sys.modules["kept"] = np.ones(mib << 20, np.uint8)  # pyright: ignore[reportArgumentType]
    return {"pid": os.getpid()}, b""


def crash(report: Report) -> Made:
    os.abort()


def be_ended_by_the_system(report: Report) -> Made:
    """As where memory has run out."""
    assert sys.platform != "linux" or Path("/proc/self/oom_score_adj").read_text() == "1000\n"
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def refuse(report: Report) -> Made:
    raise AudioError("that is no sound: give another one.")


def stumble(report: Report) -> Made:
    raise ZeroDivisionError


def fill_the_disk(report: Report) -> Made:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def chatter(report: Report) -> Made:
    print("libraries print")
    os.write(1, b"and so does C code\n")
    return {"read": sys.stdin.read()}, b""


def look_around(report: Report) -> Made:
    """What of the server this process has: open files by what they are, and names of the environment."""
    files = [os.path.realpath(f"/proc/self/fd/{number}") for number in range(64) if os.path.lexists(f"/proc/self/fd/{number}")]
    return {"files": files, "environment": sorted(os.environ)}, b""


def begin_and_wait(report: Report, path: str) -> Made:
    Path(path).write_text(str(os.getpid()))
    time.sleep(600)
    return {}, b""

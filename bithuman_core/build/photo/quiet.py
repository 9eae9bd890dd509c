"""Leaving out the line that TensorFlow Lite writes among ours: it goes past Python, and no setting silences it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ERRORS = 2  # the descriptor
LINE = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU."
_one_at_a_time = threading.Lock()


@contextmanager
def without_the_delegates_line() -> Iterator[None]:
    """What is written to the standard error meanwhile comes a moment later, without that line. For calls of some milliseconds."""
    with _one_at_a_time:
        kept = os.dup(ERRORS)
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)  # who writes more than the pipe holds is told so, and waits for nobody
        os.dup2(writing, ERRORS)
        os.close(writing)
        try:
            yield
        finally:
            os.dup2(kept, ERRORS)
            said = b""
            while piece := _available(reading):
                said += piece
            os.close(reading)
            os.close(kept)
            for line in said.splitlines(keepends=True):
                if not line.startswith(LINE):
                    os.write(ERRORS, line)


def _available(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except BlockingIOError:
        return b""

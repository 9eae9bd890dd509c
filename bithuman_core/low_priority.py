"""Threads of low priority: those who are live come first."""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref

NICENESS = 15
_threads: weakref.WeakSet[threading.Thread] = weakref.WeakSet()


def be_nice() -> None:
    """Give this thread a low priority, where a thread has one of its own (Linux). It cannot be given back."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        _threads.add(threading.current_thread())


def wait_for_nice_threads(seconds: float) -> None:
    """Until all of them have ended, or not so long. For a process that is about to end.

    The last thread of a process clears its memory away, and the process is there until it has. One of low priority takes ten
    seconds for that on a busy machine.
    """
    end = time.monotonic() + seconds
    for thread in list(_threads):
        thread.join(max(end - time.monotonic(), 0))

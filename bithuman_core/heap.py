"""Memory of threads that come and go: glibc gives each of them a heap of its own, and keeps what lay in it; Python's cycles."""

from __future__ import annotations

import ctypes
import gc
import sys

ARENAS = 2
FULL_COLLECTION = 100  # middle garbage collections to a full one, in place of 10: it holds all pictures up, 70 ms when abused
M_ARENA_MAX = -8  # malloc.h


def share_heaps(arenas: int = ARENAS) -> None:
    """Let all threads that begin from now on share a few heaps (glibc; elsewhere nothing is done)."""
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt is not None:
            mallopt(M_ARENA_MAX, arenas)


def keep_collections_short() -> None:
    """What is there now stays: set aside, it makes every later garbage collection short, and no picture comes late for one."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], FULL_COLLECTION)

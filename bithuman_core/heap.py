"""Memory of threads that come and go: glibc gives each of them a heap of its own, and keeps what lay in it; Python's cycles."""

from __future__ import annotations

import ctypes
import gc
import sys

ARENAS = 2
LARGE = 4 << 20  # bytes: freed blocks of this size are given back, as most of an encoder of VP8 is; pictures are kept
FULL_COLLECTION = 100  # middle garbage collections to a full one, in place of 10: it holds all pictures up, 70 ms when abused
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # malloc.h


def share_heaps() -> None:
    """Let all threads that begin from now on share a few heaps, from which large blocks stay away (glibc; elsewhere nothing is
    done).

    glibc by itself keeps blocks of up to 32 MiB in its heaps, once one of them has been freed: every change of a bit rate, for
    which aiortc makes a new encoder, then left 10 MiB behind.
    """
    _set({M_ARENA_MAX: ARENAS, M_MMAP_THRESHOLD: LARGE, M_TRIM_THRESHOLD: 2 * LARGE})


def share_one_heap() -> None:
    """The same of one heap that keeps large blocks: quicker where one thing is made after the other, and then all is over."""
    _set({M_ARENA_MAX: 1})


def _set(options: dict[int, int]) -> None:
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt is not None:
            for option, value in options.items():
                mallopt(option, value)


def keep_collections_short() -> None:
    """What is there now stays: set aside, it makes every later garbage collection short, and no picture comes late for one."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], FULL_COLLECTION)

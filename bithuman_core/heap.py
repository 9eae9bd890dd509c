"""Memory of threads that come and go: glibc gives each of them a heap of its own, and keeps what lay in it."""

from __future__ import annotations

import ctypes
import sys

ARENAS = 2
M_ARENA_MAX = -8  # malloc.h


def share_heaps() -> None:
    """Let all threads that begin from now on share a few heaps (glibc; elsewhere nothing is done)."""
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt is not None:
            mallopt(M_ARENA_MAX, ARENAS)

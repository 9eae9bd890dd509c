"""Handing back the memory of the compiler once the kernels are loaded."""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Iterator
from pathlib import Path

from llvmlite.binding.ffi import get_library_name


def release_compiler() -> None:
    """Let go of LLVM's machine code and tables: the kernels are compiled (or read from the cache) when this room is imported,
    and nothing calls the compiler afterwards, yet some 65 MiB of it stay resident.

    Only pages that are as they are in the library's file are let go: the system reads them again should anything need them.
    Linux only; elsewhere nothing is done.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for begin, end in _unchanged(get_library_name()):
        libc.madvise(begin, end - begin, mmap.MADV_DONTNEED)


def _unchanged(library: str) -> Iterator[tuple[int, int]]:
    """The read-only mappings of a library that hold nothing but its file: their begin and end."""
    place: tuple[int, int] | None = None
    for line in Path("/proc/self/smaps").read_text().splitlines():
        fields = line.split()
        if "-" in fields[0]:  # a mapping begins; its figures follow
            begin, end = (int(address, 16) for address in fields[0].split("-"))
            place = (begin, end) if fields[-1].endswith(library) and "w" not in fields[1] else None
        elif place and fields[:2] == ["Private_Dirty:", "0"]:
            yield place

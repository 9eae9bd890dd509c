"""Handing back the memory of the compiler once the kernels are loaded."""

from __future__ import annotations

import ctypes
import mmap
import sys
from pathlib import Path

from llvmlite.binding.ffi import get_library_name


def release_compiler() -> None:
    """Let go of LLVM's machine code: the kernels are compiled (or read from the cache) when this room is imported, and
    nothing calls the compiler afterwards, yet some 50 MiB of it stay resident.

    The pages are read-only and backed by the library's file, so the system reads them again should anything need them.
    Linux only; elsewhere nothing is done.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for line in Path("/proc/self/maps").read_text().splitlines():
        fields = line.split()
        if fields[1] == "r-xp" and fields[-1].endswith(get_library_name()):
            begin, end = (int(address, 16) for address in fields[0].split("-"))
            libc.madvise(begin, end - begin, mmap.MADV_DONTNEED)

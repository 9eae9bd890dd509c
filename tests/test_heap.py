"""Memory that goes back: run in a process of its own, for it is set for a whole process."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

WORK = """
import ctypes
import psutil
from bithuman_core.heap import LARGE, share_heaps

share_heaps()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]

def take(size):
    place = libc.malloc(size)
    ctypes.memset(place, 1, size)
    return place

size = 2 * LARGE
libc.free(take(size))  # from now on glibc by itself would keep blocks of this size
blocks = [(take(size), take(LARGE // 8)) for _ in range(4)]  # and the small ones would hold them where they are
full = psutil.Process().memory_info().rss
for block, _ in blocks:
    libc.free(block)
print((full - psutil.Process().memory_info().rss) / size)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="elsewhere nothing is set")
def test_large_blocks_are_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", WORK], capture_output=True, text=True, check=True)
    assert float(done.stdout) > 3.5

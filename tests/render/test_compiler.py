"""Letting go of the compiler: only what the file holds as well, so that compiling goes on afterwards."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is let go on this system")

# In a process of its own: a library that others use stays whole.
UNCHANGED = """
import os
from pathlib import Path
import llvmlite.binding
from llvmlite.binding.ffi import get_library_name
from bithuman_core.render.compiler import read_only_pages

maps = [line.split(maxsplit=5) for line in Path("/proc/self/maps").read_text().splitlines()]
ours = [fields for fields in maps if fields[-1].endswith(get_library_name())]
library = Path(ours[0][-1]).read_bytes()
memory = os.open("/proc/self/mem", os.O_RDONLY)
released = 0
for begin, end in read_only_pages(get_library_name()):
    assert begin < end
    for addresses, rights, place, *_ in ours:
        first, last = (int(address, 16) for address in addresses.split("-"))
        for at in range(max(first, begin), min(last, end), 1 << 20):
            size = min(last, end, at + (1 << 20)) - at
            there = int(place, 16) + at - first
            assert "w" not in rights and os.pread(memory, size, at) == library[there : there + size]
            released += size
print(released)
"""
AGAIN = """
from pathlib import Path
from numba import njit
from bithuman_core.render.compiler import release_compiler

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

assert njit(lambda x: x + 1)(1) == 2
before = resident()
release_compiler()
freed = before - resident()
assert njit(lambda x: x * 2.5 + x ** 0.5)(4.0) == 12.0
print(freed)
"""


def run(program: str) -> int:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_every_page_that_is_let_go_is_as_it_is_in_the_file() -> None:
    assert run(UNCHANGED) > 32 * 2**20


def test_memory_is_freed_and_the_compiler_still_works() -> None:
    assert run(AGAIN) > 32 * 2**20

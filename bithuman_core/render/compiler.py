"""Handing back the memory of the compiler once the kernels are loaded."""

from __future__ import annotations

import ctypes
import mmap
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from llvmlite.binding.ffi import get_library_name

# Of a 64-bit ELF file: what it begins with, and an entry of its table of segments.
HEADER = struct.Struct("=4sB27xQ14xHH")  # magic, class, place of the table, size of an entry, number of entries
SEGMENT = struct.Struct("=IIQQ8xQ16x")  # type, flags, place in the file, address, bytes
MAGIC, BITS_64, LOADED, WRITABLE = b"\x7fELF", 2, 1, 2


def release_compiler() -> None:
    """Let go of LLVM's machine code and tables: the kernels are compiled (or read from the cache) when this room is imported,
    and nothing calls the compiler afterwards, yet some 65 MiB of it stay resident.

    Only whole pages of the library's read-only segments are let go. Nothing writes there, the loader included, so the system
    reads the same again from the file should anything need them. What the loader writes and then locks (RELRO) belongs to a
    writable segment and stays, whatever the system reports of it.

    Linux only; elsewhere nothing is done.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for begin, end in read_only_pages(get_library_name()):
        libc.madvise(begin, end - begin, mmap.MADV_DONTNEED)


def read_only_pages(library: str) -> Iterator[tuple[int, int]]:
    """Begin and end of the whole pages in each read-only segment of a library that this process has loaded."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        addresses, _, place, _, _, *path = line.split(maxsplit=5)
        if path and Path(path[0]).name == library and int(place, 16) == 0:
            yield from _segments(Path(path[0]), int(addresses.partition("-")[0], 16))
            return


def _segments(library: Path, base: int) -> Iterator[tuple[int, int]]:
    """The same, for a file whose beginning lies at ``base``."""
    with library.open("rb") as file:
        magic, bits, place, size, count = HEADER.unpack(file.read(HEADER.size))
        if (magic, bits, size) != (MAGIC, BITS_64, SEGMENT.size):
            return
        file.seek(place)
        table = [segment for segment in SEGMENT.iter_unpack(file.read(size * count)) if segment[0] == LOADED]
    page = mmap.PAGESIZE
    shift = base - next(address for _, _, place, address, _ in table if place == 0)
    for _, flags, _, address, length in table:
        if not flags & WRITABLE:
            yield -(-(shift + address) // page) * page, (shift + address + length) // page * page

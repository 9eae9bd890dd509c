"""How much memory this machine or container gives, and what of the page fits into it (``python -m benchmarks.memory``)."""

from __future__ import annotations

import os
from pathlib import Path

MIB = 2**20
PAGE_MIB = 448  # the page, its films and those who are live
VOICE_MIB = 640  # with a natural voice, which takes some 160
EARS_MIB = 900  # with ears as well, which take some 250
PHOTO_MIB = 1024  # with an avatar being made: of 32 megapixels with alpha 608 in its process, of 20 s of film 955
GROUPS = Path("/sys/fs/cgroup")


def memory_limit(groups: Path = GROUPS, own: Path = Path("/proc/self/cgroup")) -> int:
    """Bytes that this process and those beside it in its container may have; without a container, those of the machine."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for line in own.read_text().splitlines() if own.exists() else []:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root, name = (groups / "memory", "memory.limit_in_bytes") if controllers else (groups, "memory.max")
        here = root / path.lstrip("/")
        for folder in (here, *here.parents):  # the tightest one counts; a container may see only its own as the root
            file = folder / name
            if file.is_file() and (text := file.read_text().strip()).isdecimal():
                limits.append(int(text))
            if folder == root:
                break
    return min(limits)


def shortage(limit: int, photos: bool, voice: bool = True) -> str | None:
    """Sentences where so many bytes do not do; ``photos``: whether avatars are to be made of photos, ``voice``: a natural one."""
    mib = limit // MIB
    if mib < PAGE_MIB:
        return f"The page needs {PAGE_MIB} MiB of memory, and {mib} are allowed here: it may be ended without a word."
    lacks = []
    if photos and mib < PHOTO_MIB:
        lacks.append(f"Avatars are not made from photos here: that needs {PHOTO_MIB} MiB of memory, and {mib} are allowed.")
    if voice and mib < VOICE_MIB:
        lacks.append(f"The natural voice is left out: it needs {VOICE_MIB} MiB of memory, and {mib} are allowed.")
    return " ".join(lacks) or None

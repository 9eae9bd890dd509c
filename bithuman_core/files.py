"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

MAX_SUFFIX = 16  # bytes that the name of a temporary file keeps
FULL = frozenset((errno.ENOSPC, errno.EDQUOT))
DISK_FULL = "The disk of the server is full: try again later, or tell its host."


def is_full(error: OSError) -> bool:
    """Whether there was no room left for a file, on the disk or for this user."""
    return error.errno in FULL


def end_in_bytes(name: str, most: int) -> str:
    """The end of a text that fits into ``most`` bytes of UTF-8, cut between characters: a file's name keeps its suffix."""
    return name.encode()[-most:].decode(errors="ignore")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path; on success its file takes the place of ``path``, on any error it is removed.

    It lies beside ``path`` and is renamed over it. A symbolic link stays and its target is replaced; into what is no regular file
    (a device, a pipe) the finished file is written. The temporary name keeps the suffix, so that writers which choose a format by
    suffix still work. Raises IsADirectoryError for a folder.
    """
    suffix = path.suffix if len(os.fsencode(path.suffix)) <= MAX_SUFFIX else ""
    if path.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a folder: give the name of a file in it.")
    if path.exists() and not path.is_file():
        with TemporaryDirectory() as folder:
            temporary = Path(folder, f"out{suffix}")
            yield temporary
            with temporary.open("rb") as made, path.open("wb") as sink:
                shutil.copyfileobj(made, sink)
        return
    target = path.resolve() if path.is_symlink() else path
    temporary = target.with_name(f".{secrets.token_hex(8)}{suffix}")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)

"""A folder for what a server keeps while it runs: visitors' files are gone with the process, however that ends.

The folder is locked (flock) as long as its process lives. So the next start knows which ones were left by a process that was
killed, and clears them; systemd's cleaning of temporary files leaves a locked folder alone as well.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import tempfile
import threading
import weakref
from pathlib import Path

logger = logging.getLogger(__name__)


class PrivateFolder:
    """One such folder, for this user alone, below the system's folder for temporary files. Removed by ``close`` or at exit."""

    def __init__(self, prefix: str) -> None:
        """Make it, and clear those of the same prefix that no process holds any more. Raises OSError."""
        clear_abandoned(prefix)
        self._lock = threading.Lock()
        while True:
            self._path = Path(tempfile.mkdtemp(prefix=prefix))
            with contextlib.suppress(FileNotFoundError):  # another start took it for abandoned before it was locked
                self._held = _hold(self._path)
                break
        self._end = weakref.finalize(self, shutil.rmtree, self._path, ignore_errors=True)

    @property
    def path(self) -> Path:
        """Where it is; made anew under its old name where somebody has removed it. Raises OSError."""
        with self._lock:
            if self._end.alive and not _is_at(self._held, self._path):
                logger.warning("The folder for temporary files has been removed: what visitors had brought is lost.")
                self._path.mkdir(mode=0o700, exist_ok=True)
                held = _hold(self._path)
                os.close(self._held)
                self._held = held
            return self._path

    def close(self) -> None:
        """Remove it with all that is in it."""
        with self._lock:
            if self._end.alive:
                self._end()
                os.close(self._held)


def clear_abandoned(prefix: str) -> None:
    """Remove this user's folders of a prefix that no living process holds."""
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with contextlib.suppress(OSError):  # somebody else's, no folder, or held
            descriptor = _open(folder)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)


def _hold(folder: Path) -> int:
    """The descriptor of a folder, which locks it until it is closed. Raises OSError."""
    descriptor = _open(folder)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError:  # a file system without locks: it cannot be told from an abandoned one, and is not cleared either
            logger.info("%s cannot be locked: after a crash its files stay.", folder.parent)
        if not _is_at(descriptor, folder):
            raise FileNotFoundError(folder)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _open(folder: Path) -> int:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    if os.fstat(descriptor).st_uid != os.getuid():
        os.close(descriptor)
        raise PermissionError(f"{str(folder)!r} belongs to another user")
    return descriptor


def _is_at(descriptor: int, folder: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), folder.lstat())
    except FileNotFoundError:
        return False

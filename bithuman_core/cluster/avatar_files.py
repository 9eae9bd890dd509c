"""Avatar files on a node: each is fetched once by one process, and read by all of that node."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bithuman_core.files import replacing
from bithuman_core.service.errors import Unavailable
from bithuman_core.service.storage import Storage, digest_of

MOST_BYTES = 2 * 2**30  # kept on a node; some 400 portraits
TORN = "An avatar file arrived torn from the storage: try again."


class NodeFiles:
    """A folder of this user and machine, files by their sha256. Who comes while one is being fetched waits for it."""

    def __init__(self, storage: Storage, folder: Path | None = None, most_bytes: int = MOST_BYTES) -> None:
        """Raises PermissionError where the folder's name belongs to another user."""
        self._storage, self._most = storage, most_bytes
        self.folder = folder or Path(tempfile.gettempdir()) / f"bithuman-avatars-{os.getuid()}"
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if self.folder.is_symlink() or self.folder.stat().st_uid != os.getuid():
            raise PermissionError(f"{str(self.folder)!r} belongs to another user: remove it.")

    @contextmanager
    def lent(self, sha256: str) -> Iterator[Path]:
        """The file; nobody removes it within the block. Raises ServiceError."""
        path = self.folder / f"{sha256}.imx"
        with (self.folder / f"{sha256}.lock").open("wb") as lock:
            while True:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not path.exists():
                    self._fetch(sha256, path)
                os.utime(path)
                fcntl.flock(lock, fcntl.LOCK_SH)
                if path.exists():  # nobody came in between the two locks
                    break
            yield path

    def _fetch(self, sha256: str, path: Path) -> None:
        with replacing(path) as temporary:
            self._storage.fetch(sha256, temporary)
            if digest_of(temporary)[0] != sha256:
                raise Unavailable(TORN, retry=5)
        self._make_room()

    def _make_room(self) -> None:
        """Remove what nobody has used for longest, until the rest is small enough."""
        kept = sorted(self.folder.glob("*.imx"), key=lambda path: path.stat().st_mtime, reverse=True)
        size = 0
        for path in kept:
            size += path.stat().st_size
            if size > self._most and path is not kept[0]:
                self._remove(path)

    def _remove(self, path: Path) -> None:
        with path.with_suffix(".lock").open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # it is being read
            path.unlink(missing_ok=True)

"""Files by their sha256: in a folder, or in object storage by URL (whatever fsspec knows: s3://, gs://, …).

How many rows of the database use a file is counted there (``Blob.uses``), in the transaction that begins or ends the use: the
last one takes the file along, and nobody else can begin to use it meanwhile.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import fsspec
from fsspec import AbstractFileSystem
from sqlalchemy import update
from sqlalchemy.orm import Session

from bithuman_core.errors import Failed
from bithuman_core.files import DISK_FULL, is_full
from bithuman_core.service.data.tables import Blob
from bithuman_core.service.data.upsert import insert_or_add
from bithuman_core.service.errors import NotFound, StorageFull, Unavailable

PIECE = 2**20  # bytes
COMING = "coming"  # folder of files that are not whole yet
# botocore asks five times, and longer each time: whoever waits for an answer is told sooner, and asks again.
S3 = {"connect_timeout": 5, "read_timeout": 30, "retries": {"total_max_attempts": 2}}
OBJECTS = {"s3", "gs", "abfs"}  # fsspec's names of storages with buckets
AWAY = "The storage of files does not answer: try again in a minute."
NO_BUCKET = "The storage of files has no such bucket: make it, or correct the URL."
GONE = "That file is not there any more: upload it again."


@dataclass(frozen=True, slots=True)
class Coming:
    """A file that is in the storage under a temporary name."""

    place: str
    sha256: str
    size: int


class Storage:
    """One storage. All of it blocks: use it in threads. Raises StorageFull, and Unavailable where it does not answer."""

    def __init__(self, url: str, **options: Any) -> None:
        """url: a folder, or a URL that fsspec knows; options: for fsspec. Raises Failed for one that it does not."""
        if url.startswith("s3"):
            options = {"config_kwargs": S3, **options}
        try:
            fs, root = fsspec.url_to_fs(url, **options)
        except (ValueError, ImportError) as error:
            raise Failed(f"Files cannot be kept at {url!r}: give a folder, or install what it needs ({error}).") from None
        self._fs = cast(AbstractFileSystem, fs)
        self._faults = _faults_of(self._fs)
        self._of_objects = bool(OBJECTS.intersection((fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol))
        self._root = str(root).rstrip("/")

    @contextmanager
    def bringing(self, file: Path) -> Iterator[Coming]:
        """Send a file to the storage under a temporary name, which is gone after the block; ``keep`` gives it its own."""
        digest, size = digest_of(file)
        place = f"{self._root}/{COMING}/{secrets.token_hex(12)}"
        try:
            with self._told_apart():
                self._make(f"{self._root}/{COMING}")
                self._fs.put_file(str(file), place)
            yield Coming(place, digest, size)
        finally:
            with suppress(*self._faults):  # it has its own name now, or the storage is away
                self._fs.rm_file(place)

    def keep(self, session: Session, coming: Coming) -> str:
        """Use a file: its sha256. The session is one that writes."""
        insert_or_add(session, Blob, {"sha256": coming.sha256, "size": coming.size, "uses": 1}, ["sha256"], "uses")
        self.place(coming)
        return coming.sha256

    def place(self, coming: Coming) -> None:
        """Give a file its own name, whose row is there already (see ``moving``)."""
        place = self._place(coming.sha256)
        with self._told_apart():
            self._make(place.rpartition("/")[0])
            self._fs.mv(coming.place, place)

    def use(self, session: Session, sha256: str) -> str:
        """Use a file once more. Raises NotFound."""
        used = update(Blob).where(Blob.sha256 == sha256).values(uses=Blob.uses + 1)
        if not cast(Any, session.execute(used)).rowcount:
            raise NotFound(GONE)
        return sha256

    def drop(self, session: Session, sha256: str | None) -> None:
        """End a use; nobody else's must be left for the file to go. The row that used it has to be gone, or changed, by then."""
        if sha256 is None:
            return
        session.flush()
        session.execute(update(Blob).where(Blob.sha256 == sha256).values(uses=Blob.uses - 1))
        blob = session.get(Blob, sha256, populate_existing=True)
        if blob is not None and blob.uses <= 0:
            session.delete(blob)
            session.flush()
            with self._told_apart(), suppress(FileNotFoundError):
                self._fs.rm_file(self._place(sha256))

    def open(self, sha256: str) -> BinaryIO:
        """A file's content. Raises NotFound."""
        with self._told_apart():
            return cast(BinaryIO, self._fs.open(self._place(sha256), "rb"))

    def fetch(self, sha256: str, path: Path) -> None:
        """Copy a file to a path of this machine. Raises NotFound."""
        with self._told_apart():
            self._fs.get_file(self._place(sha256), str(path))

    def check(self) -> None:
        """Whether it answers. Raises Unavailable."""
        with self._told_apart():
            self._make(f"{self._root}/{COMING}")
            if self._of_objects:
                self._check_bucket(self._root.partition("/")[0])

    def everything(self) -> Iterator[str]:
        """The sha256 of all files that are there."""
        with self._told_apart():
            for place in self._fs.find(self._root):
                name = str(place).rpartition("/")[2]
                if f"/{COMING}/" not in str(place):
                    yield name

    @contextmanager
    def _told_apart(self) -> Iterator[None]:
        """What is the storage's fault, in one sentence that does not name its places."""
        try:
            yield
        except FileNotFoundError as error:
            raise NotFound(GONE) from error
        except self._faults as error:
            full = isinstance(error, OSError) and is_full(error)
            raise (StorageFull(DISK_FULL) if full else Unavailable(AWAY, retry=5)) from error

    def _check_bucket(self, bucket: str) -> None:
        try:
            self._fs.info(bucket, refresh=True)
        except FileNotFoundError as error:
            raise Unavailable(NO_BUCKET) from error

    def _make(self, folder: str) -> None:
        """Object storage has no folders, and a bucket that is not there is a mistake in the URL."""
        if not self._of_objects:
            self._fs.makedirs(folder, exist_ok=True)

    def _place(self, sha256: str) -> str:
        return f"{self._root}/{sha256[:2]}/{sha256}"


def _faults_of(fs: AbstractFileSystem) -> tuple[type[Exception], ...]:
    """What it raises where it is away or refuses. Those of S3's client are no OSErrors."""
    if "s3" not in fs.protocol:
        return (OSError,)
    from botocore.exceptions import BotoCoreError, ClientError

    return (OSError, BotoCoreError, ClientError)


def digest_of(file: Path) -> tuple[str, int]:
    """(sha256, size in bytes) of a file."""
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while piece := opened.read(PIECE):
            digest.update(piece)
        return digest.hexdigest(), opened.tell()

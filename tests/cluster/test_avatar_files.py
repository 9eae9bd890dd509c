"""Avatar files on a node: fetched once, whole, and gone when the folder is full."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.plugins import need

need("ray", "sqlalchemy", "fsspec")

from bithuman_core.cluster.avatar_files import NodeFiles  # noqa: E402
from bithuman_core.service.errors import NotFound, Unavailable  # noqa: E402
from bithuman_core.service.storage import Storage, digest_of  # noqa: E402


class Counting(Storage):
    """Counts what is fetched; ``torn``: it breaks off."""

    fetched, torn = 0, False

    def fetch(self, sha256: str, path: Path) -> None:
        self.fetched += 1
        super().fetch(sha256, path)
        if self.torn:
            os.truncate(path, 10)


@pytest.fixture
def storage(tmp_path: Path) -> Counting:
    return Counting(str(tmp_path / "files"))


def keep(storage: Storage, tmp_path: Path, content: bytes) -> str:
    file = tmp_path / "one"
    file.write_bytes(content)
    with storage.bringing(file) as coming:
        storage.place(coming)
    return digest_of(file)[0]


def test_those_who_come_at_once_fetch_it_once(storage: Counting, tmp_path: Path) -> None:
    sha256 = keep(storage, tmp_path, b"avatar" * 1000)

    def read(_: int) -> bytes:
        with NodeFiles(storage, tmp_path / "node").lent(sha256) as path:  # each as a process of its own
            return path.read_bytes()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(read, range(8))) == {b"avatar" * 1000}
    assert storage.fetched == 1


def test_what_arrives_torn_is_not_kept(storage: Counting, tmp_path: Path) -> None:
    sha256, files = keep(storage, tmp_path, b"avatar" * 1000), NodeFiles(storage, tmp_path / "node")
    storage.torn = True
    with pytest.raises(Unavailable), files.lent(sha256):
        pass
    assert not list((tmp_path / "node").glob("*.imx"))
    storage.torn = False
    with files.lent(sha256) as path:
        assert path.stat().st_size == 6000
    with pytest.raises(NotFound), files.lent("0" * 64):
        pass


def test_what_was_not_used_for_longest_goes_but_not_from_under_a_reader(storage: Counting, tmp_path: Path) -> None:
    files = NodeFiles(storage, tmp_path / "node", most_bytes=2500)
    first, second, third = (keep(storage, tmp_path, bytes([n]) * 1000) for n in range(3))
    with files.lent(first) as path:
        os.utime(path, (1, 1))
        with files.lent(second) as later:
            os.utime(later, (2, 2))
        with files.lent(third):
            pass
        assert path.exists(), "it is being read"
    with files.lent(keep(storage, tmp_path, b"x" * 1000)):
        pass
    assert not path.exists() and not later.exists()


def test_the_folder_is_nobody_elses(storage: Counting, tmp_path: Path) -> None:
    (tmp_path / "node").symlink_to(tmp_path)
    with pytest.raises(PermissionError):
        NodeFiles(storage, tmp_path / "node")

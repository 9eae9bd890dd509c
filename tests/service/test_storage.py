"""Files by their sha256: kept whole or not at all, and really gone with the last use."""

from __future__ import annotations

import errno
import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bithuman_core.errors import Failed
from bithuman_core.service.data.database import Database
from bithuman_core.service.data.tables import Blob
from bithuman_core.service.errors import NotFound, StorageFull, Unavailable
from bithuman_core.service.storage import Storage
from tests.service.objects import BUCKET, GATEWAY, Gateway, running

CONTENT = b"a photo" * 1000
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A real S3."""
    pytest.importorskip("s3fs")
    program = GATEWAY.find()
    if program is None:
        pytest.skip(GATEWAY.missing)
    with running(program, tmp_path_factory.mktemp("s3")) as gateway, pytest.MonkeyPatch.context() as patch:
        for name, value in gateway.environment.items():
            patch.setenv(name, value)
        yield gateway


@pytest.fixture(params=["folder", "objects"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """In a folder, and in a storage of objects by URL."""
    if request.param == "folder":
        return Storage(str(tmp_path / "files"))
    request.getfixturevalue("gateway")
    return Storage(f"s3://{BUCKET}/{tmp_path.name}")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(CONTENT)
    return path


def keep(storage: Storage, database: Database, path: Path) -> str:
    with storage.bringing(path) as coming, database.writing() as session:
        return storage.keep(session, coming)


def drop(storage: Storage, database: Database, sha256: str) -> None:
    with database.writing() as session:
        storage.drop(session, sha256)


def test_a_file_goes_with_its_last_use(storage: Storage, database: Database, photo: Path, tmp_path: Path) -> None:
    assert keep(storage, database, photo) == keep(storage, database, photo) == SHA
    assert list(storage.everything()) == [SHA], "once, and nothing under a temporary name"
    with storage.open(SHA) as file:
        assert file.read() == CONTENT
    storage.fetch(SHA, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == CONTENT
    drop(storage, database, SHA)
    assert list(storage.everything()) == [SHA]
    drop(storage, database, SHA)
    assert list(storage.everything()) == []
    with database.reading() as session:
        assert session.scalar(select(Blob)) is None
    for ask in (lambda: storage.open(SHA), lambda: storage.fetch(SHA, tmp_path / "gone")):
        with pytest.raises(NotFound):
            ask()
    assert not (tmp_path / "gone").exists()


def test_what_breaks_off_leaves_no_file(storage: Storage, database: Database, photo: Path) -> None:
    with pytest.raises(KeyError), storage.bringing(photo), database.writing():
        raise KeyError
    assert list(storage.everything()) == []
    with storage.bringing(photo) as coming:
        pass
    with pytest.raises(NotFound), database.writing() as session:
        storage.keep(session, coming)
    with database.reading() as session:
        assert session.scalar(select(Blob)) is None


def test_who_uses_a_file_while_another_lets_go_of_it_has_it(storage: Storage, database: Database, photo: Path) -> None:
    def come_and_go() -> None:
        for _ in range(5):
            sha = keep(storage, database, photo)
            with storage.open(sha) as file:
                assert file.read() == CONTENT
            drop(storage, database, sha)
            done.append(sha)

    done = list[str]()
    threads = [threading.Thread(target=come_and_go) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 15, "nobody's was taken away while it was used"
    assert list(storage.everything()) == []


@pytest.mark.parametrize(("number", "kind"), [(errno.ENOSPC, StorageFull), (errno.EDQUOT, StorageFull), (errno.EIO, Unavailable)])
def test_a_full_or_broken_storage_gets_a_sentence(
    storage: Storage, database: Database, photo: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(number, "no", "/secret/place")

    monkeypatch.setattr(storage._fs, "put_file", fail)
    with pytest.raises(kind) as caught:
        keep(storage, database, photo)
    assert "/secret" not in str(caught.value)
    with database.reading() as session:
        assert session.scalar(select(Blob)) is None


def test_a_file_that_cannot_be_removed_keeps_its_row(
    storage: Storage, database: Database, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(storage, database, photo)

    def away(_: str) -> None:
        raise PermissionError(errno.EACCES, "no")

    with monkeypatch.context() as patched, pytest.raises(Unavailable):
        patched.setattr(storage._fs, "rm_file", away)
        drop(storage, database, SHA)
    drop(storage, database, SHA)
    assert list(storage.everything()) == []


def test_an_unknown_storage_is_refused() -> None:
    with pytest.raises(Failed, match="give a folder"):
        Storage("nowhere://bucket")


def test_object_storage_that_is_away_is_told_and_is_used_again_when_it_is_back(
    gateway: Gateway, database: Database, photo: Path, tmp_path: Path
) -> None:
    storage = Storage(f"s3://{BUCKET}/outage")
    keep(storage, database, photo)
    gateway.stop()
    try:
        for ask in (
            storage.check,
            lambda: keep(storage, database, photo),
            lambda: storage.fetch(SHA, tmp_path / "back"),
            lambda: storage.open(SHA).read(),
            lambda: list(storage.everything()),
            lambda: drop(storage, database, SHA),
        ):
            with pytest.raises(Unavailable, match="does not answer"):
                ask()
    finally:
        gateway.start()
    storage.check()
    storage.fetch(SHA, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == CONTENT
    drop(storage, database, SHA)
    assert list(storage.everything()) == []


def test_two_processes_see_each_others_objects(gateway: Gateway, database: Database, photo: Path) -> None:
    one, other = (Storage(f"s3://{BUCKET}/both", skip_instance_cache=True) for _ in range(2))
    assert list(one.everything()) == list(other.everything()) == []
    keep(one, database, photo)
    assert list(other.everything()) == [SHA] and other.open(SHA).read() == CONTENT
    drop(other, database, SHA)
    assert list(one.everything()) == []
    with pytest.raises(NotFound):
        one.open(SHA).read()


def test_a_bucket_that_is_not_there_is_told(gateway: Gateway) -> None:
    with pytest.raises(Unavailable, match="no such bucket"):
        Storage("s3://nobodys/files").check()

"""A server's own folder: gone with its process, never taken from one that lives, made anew where it is lost."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bithuman_core.private_folder import PrivateFolder, clear_abandoned

HOLD = """
import sys
from bithuman_core.private_folder import PrivateFolder
folder = PrivateFolder("kept-")
(folder.path / "photo.jpg").write_bytes(b"a face")
print(folder.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where all of them are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@contextmanager
def server(temporary: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process that holds a folder, in which a visitor's photo lies."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], env={**os.environ, "TMPDIR": str(temporary)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield process, Path(process.stdout.readline().strip())
    finally:
        process.kill()
        process.communicate()


def test_only_its_user_can_look_into_it(temporary: Path) -> None:
    folder = PrivateFolder("kept-")
    assert folder.path.parent == temporary and stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_what_a_killed_server_left_is_cleared_at_the_next_start(temporary: Path) -> None:
    with server(temporary) as (process, left):
        process.kill()
        process.wait()
        assert (left / "photo.jpg").exists()
        PrivateFolder("kept-")
        assert not left.exists()


def test_the_folder_of_a_server_that_lives_is_never_cleared(temporary: Path) -> None:
    mine = PrivateFolder("kept-")
    with server(temporary) as (_, other):
        clear_abandoned("kept-")
        assert (other / "photo.jpg").exists() and mine.path.exists() and mine.path != other


def test_a_server_that_ends_leaves_nothing(temporary: Path) -> None:
    with server(temporary) as (process, folder):
        process.communicate("")
        assert process.returncode == 0 and not folder.exists()


def test_it_is_made_anew_and_held_where_somebody_removed_it(temporary: Path) -> None:
    folder = PrivateFolder("kept-")
    where = folder.path
    where.rmdir()
    assert folder.path == where and where.is_dir()
    where.rmdir()
    where.mkdir()  # by somebody else, as one that nobody holds
    (folder.path / "photo.jpg").write_bytes(b"a face")
    clear_abandoned("kept-")
    assert (where / "photo.jpg").exists()
    folder.close()
    folder.close()
    assert list(temporary.iterdir()) == []


def test_links_and_folders_of_others_are_left_alone(temporary: Path) -> None:
    (temporary / "elsewhere").mkdir()
    (temporary / "kept-link").symlink_to("elsewhere")
    (temporary / "kept-file").write_bytes(b"")
    (temporary / "kept-of-another").mkdir()
    if os.geteuid() == 0:
        os.chown(temporary / "kept-of-another", 12345, 12345)
    clear_abandoned("kept-")
    left = {path.name for path in temporary.iterdir()}
    assert {"elsewhere", "kept-link", "kept-file"} <= left
    assert ("kept-of-another" in left) == (os.geteuid() == 0)

"""Files appear whole or not at all, and what is no regular file stays what it is."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from threading import Thread

import pytest

from bithuman_core.files import end_in_bytes, replacing


def write(path: Path, content: bytes = b"new") -> None:
    with replacing(path) as temporary:
        assert temporary.suffix == path.suffix
        temporary.write_bytes(content)


def test_a_file_is_replaced_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_bytes(b"half")
        raise RuntimeError
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"old", [path])
    write(path)
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"new", [path])


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_a_link(tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "far"
    folder.mkdir()
    target, link = folder / "target.mp4", tmp_path / "link.mp4"
    if there:
        target.write_bytes(b"old")
    link.symlink_to(target)
    write(link)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert list(folder.iterdir()) == [target]


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe, got = tmp_path / "pipe.mp4", list[bytes]()
    os.mkfifo(pipe)
    reader = Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write(pipe, b"x" * 200_000)
    reader.join(10)
    assert got == [b"x" * 200_000]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_device_stays_a_device() -> None:
    write(Path("/dev/null"))
    assert Path("/dev/null").is_char_device()


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="is a folder"):
        write(tmp_path)


@pytest.mark.parametrize("name", ["x" * 251 + ".mp4", "ä" * 125 + ".imx", "x" * 10 + "." + "y" * 240])
def test_the_longest_names_work(tmp_path: Path, name: str) -> None:
    with replacing(tmp_path / name) as temporary:
        temporary.write_bytes(b"new")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("letter", ["a", "ä", "漢", "😀"])
def test_a_name_is_cut_to_bytes_between_letters(letter: str) -> None:
    cut = end_in_bytes(letter * 200 + ".wav", 120)
    assert 116 < len(cut.encode()) <= 120
    assert set(cut) <= {letter, *".wav"}
    assert cut.endswith(".wav")

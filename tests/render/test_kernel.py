"""Compiled kernels: read from the cache while their sources stand, compiled anew when a helper in another file changes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

KERNEL = """
from helper import twice
from numba import float64
from bithuman_core.render.kernel import kernel
from bithuman_core.render.signature import given, scratch
from numba import void

@kernel(void(given(float64, 1), scratch(float64, 1)))
def run(values, out):
    out[0] = twice(values[0])
"""
HELPER = "from numba import njit\n\n@njit(nogil=True)\ndef twice(x):\n    return {} * x\n"
CALL = """
import numpy as np
import room
out = np.zeros(1)
room.run(np.ones(1), out)
print(out[0], sum(room.run.stats.cache_hits.values()))
"""


def run(folder: Path, **variables: str) -> tuple[float, bool]:
    """(what the kernel gives for 1, whether it came from the cache)."""
    environment = {**os.environ, **variables}
    done = subprocess.run([sys.executable, "-c", CALL], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    value, hits = done.stdout.split()
    return float(value), int(hits) > 0


def test_an_edited_helper_is_compiled_into_the_kernels_of_other_files(tmp_path: Path):
    (tmp_path / "room.py").write_text(KERNEL)
    (tmp_path / "helper.py").write_text(HELPER.format(2))
    assert run(tmp_path) == (2.0, False)
    assert run(tmp_path) == (2.0, True), "nothing changed, yet it was compiled again"
    (tmp_path / "helper.py").write_text(HELPER.format(3))
    assert run(tmp_path) == (3.0, False)


SETPRIV = ["setpriv", "--bounding-set", "-dac_override", "--inh-caps", "-dac_override"]  # root, whom permissions concern


def run_unwritable(folder: Path, **variables: str) -> tuple[float, bool, str]:
    """The same, where nothing can be written, and what is said on the way."""
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root may write everywhere, and there is no setpriv")
    command = [*(SETPRIV if os.geteuid() == 0 else []), sys.executable, "-c", CALL]
    folders = [folder, *(inner for inner in folder.rglob("*") if inner.is_dir())]
    for each in folders:
        each.chmod(0o555)
    try:
        environment = {**os.environ, "HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null/cache", **variables}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=100)
    finally:
        for each in folders:
            each.chmod(0o755)
    value, hits = done.stdout.split()
    return float(value), int(hits) > 0, done.stderr


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """A folder with a kernel, its helper, and a folder for caches."""
    folder = tmp_path / "room"
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "room.py").write_text(KERNEL)
    (folder / "helper.py").write_text(HELPER.format(2))
    return folder


def own(temporary: Path) -> Path:
    """The folder for caches among temporary files."""
    return temporary / f"bithuman-kernels-{os.getuid()}"


def test_where_only_temporary_files_can_be_written_kernels_are_kept_there_for_this_user_alone(room: Path, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    assert run_unwritable(room, TMPDIR=str(temporary)) == (2.0, False, "")
    assert own(temporary).stat().st_mode & 0o777 == 0o700
    assert run_unwritable(room, TMPDIR=str(temporary)) == (2.0, True, "")


@pytest.mark.parametrize("kind", ["open to all", "a link", "a file"])
def test_where_nothing_can_be_kept_kernels_are_compiled_in_memory_and_that_is_said_once(
    room: Path, tmp_path: Path, kind: str
) -> None:
    """Somebody else could have put there what would then be run."""
    temporary, elsewhere = tmp_path / "temporary", tmp_path / "elsewhere"
    for folder in (temporary, elsewhere):
        folder.mkdir(mode=0o700)
    if kind == "a link":
        own(temporary).symlink_to(elsewhere)
    elif kind == "a file":
        own(temporary).touch(0o600)
    else:
        own(temporary).mkdir()
        own(temporary).chmod(0o777)
    (room / "room.py").write_text(KERNEL + "\n" + KERNEL.replace("def run", "def again"))
    value, hit, said = run_unwritable(room, TMPDIR=str(temporary))
    assert (value, hit) == (2.0, False)
    assert said.count("Compiled kernels cannot be kept") == len(said.splitlines()) == 1
    assert list(elsewhere.iterdir()) == []


def test_a_cache_that_is_there_is_read_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "room.py").write_text(KERNEL)
    (tmp_path / "helper.py").write_text(HELPER.format(2))
    (tmp_path / "__pycache__").mkdir()
    run(tmp_path)
    assert run_unwritable(tmp_path) == (2.0, True, "")


def test_a_cache_that_an_image_brings_in_a_folder_of_its_own_is_read_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "room.py").write_text(KERNEL)
    (tmp_path / "helper.py").write_text(HELPER.format(2))
    cache = str(tmp_path / "cache")
    run(tmp_path, NUMBA_CACHE_DIR=cache)
    assert run_unwritable(tmp_path, NUMBA_CACHE_DIR=cache) == (2.0, True, "")

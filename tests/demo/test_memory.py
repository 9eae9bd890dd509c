"""How much memory a container gives is read, and what does not fit is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from bithuman_core.demo.memory import MIB, memory_limit, shortage


def group(folder: Path, path: str, limit: str) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(limit + "\n")


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/\n", {"memory.max": str(512 * MIB)}, 512 * MIB),  # version 2, as a container sees itself
        ("0::/a/b\n", {"a/memory.max": str(300 * MIB), "a/b/memory.max": "max"}, 300 * MIB),
        ("5:cpu:/\n4:memory:/docker/x\n", {"memory/docker/x/memory.limit_in_bytes": str(64 * MIB)}, 64 * MIB),
        ("4:memory:/docker/x\n", {"memory/memory.limit_in_bytes": str(99 * MIB)}, 99 * MIB),  # seen from inside
    ],
)
def test_the_tightest_limit_counts(tmp_path: Path, own: str, files: dict[str, str], expected: int) -> None:
    for path, limit in files.items():
        group(tmp_path / "groups", path, limit)
    (tmp_path / "own").write_text(own)
    assert memory_limit(tmp_path / "groups", tmp_path / "own") == expected


def test_without_a_container_the_machine_counts(tmp_path: Path) -> None:
    assert memory_limit(tmp_path, tmp_path / "none") > 64 * MIB


def test_what_does_not_fit_is_said() -> None:
    assert "may be ended" in (shortage(256 * MIB, photos=False) or "")
    assert "photos" in (shortage(512 * MIB, photos=True) or "")
    assert "natural voice" in (shortage(512 * MIB, photos=False) or "")
    assert shortage(512 * MIB, photos=False, voice=False) is None is shortage(1024 * MIB, photos=True)

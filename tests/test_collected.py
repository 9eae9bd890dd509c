"""No tests are left out unseen: pytest passes by folders of some names."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import pytest

TESTS = Path(__file__).parent


def test_pytest_goes_into_every_folder_with_tests(pytestconfig: pytest.Config) -> None:
    passed_by = pytestconfig.getini("norecursedirs")
    folders = {folder for file in TESTS.rglob("test_*.py") for folder in file.relative_to(TESTS).parents if folder.name}
    assert len(folders) > 20
    assert not [folder for folder in folders if any(fnmatch(folder.name, pattern) for pattern in passed_by)]

"""What the tests of the plugins share."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

import pytest


def need(*modules: str, since: tuple[int, int] = (3, 10)) -> None:
    """Skip the calling test module where a package is not installed; fail in CI, where ``since`` says that it could be."""
    missing = [name for name in modules if not _installed(name)]
    if not missing:
        return
    if os.environ.get("CI") == "true" and sys.version_info >= since:
        pytest.fail(f"{', '.join(missing)} not installed: see tests/requirements-plugins.txt", pytrace=False)
    pytest.skip(f"{', '.join(missing)} not installed", allow_module_level=True)


def _installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # of its parent
        return False

"""One livekit-server for all tests of its rooms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.livekit.server import LiveKit


@pytest.fixture(scope="session")
def livekit_server() -> Path:
    """The program."""
    from tests.livekit.server import SERVER

    program = SERVER.find()
    if program is None:
        pytest.skip(SERVER.missing)
    return program


@pytest.fixture(scope="package")
def server(livekit_server: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKit]:
    """It, running."""
    from tests.livekit.server import serving

    with serving(livekit_server, tmp_path_factory.mktemp("livekit")) as server:
        yield server

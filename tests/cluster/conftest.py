"""One cluster for the tests that kill parts of it; each part is there again before the next test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.plugins import need

need("ray", "psycopg", "fastrtc")

from tests.cluster.nodes import House, house  # noqa: E402
from tests.cluster.visitor import Visitor  # noqa: E402
from tests.service.postgres import MISSING, find_postgres  # noqa: E402

if TYPE_CHECKING:
    from tests.livekit.server import LiveKit

WORKERS, PLACES = 2, 2


@pytest.fixture(scope="package")
def home() -> Iterator[House]:
    """Two nodes with a process of two places each, a third one for what is to come, and the head node."""
    if find_postgres() is None:
        pytest.skip(MISSING)
    with house(workers=WORKERS, most_workers=WORKERS, places=PLACES, ingresses=2) as made:
        yield made


@pytest.fixture(scope="package")
def livekit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKit]:
    """A server for rooms."""
    from tests.livekit.server import SERVER, serving

    program = SERVER.find()
    if program is None:
        pytest.skip(SERVER.missing)
    with serving(program, tmp_path_factory.mktemp("livekit")) as server:
        yield server


@pytest.fixture
async def come(home: House) -> AsyncIterator[Callable[[], Awaitable[Visitor]]]:
    """Visitors that stay until the test's end."""
    here: list[Visitor] = []

    async def coming() -> Visitor:
        visitor = home.visitor()
        here.append(visitor)
        await visitor.come()
        visitor.stay()
        return visitor

    yield coming
    for visitor in here:
        await visitor.leave()

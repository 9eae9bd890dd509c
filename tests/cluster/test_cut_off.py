"""A machine of the cluster is cut off from all others, and joined again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.plugins import need

need("ray", "psycopg", "fastrtc")

from tests.browser.namespaces import NotAllowed, end_all  # noqa: E402
from tests.cluster.cable import Cable, cable  # noqa: E402
from tests.cluster.nodes import PATIENCE, House, house, until  # noqa: E402
from tests.cluster.test_kills import BUSY, RECOVERED, recovered  # noqa: E402
from tests.cluster.visitor import Visitor  # noqa: E402
from tests.service.postgres import MISSING, find_postgres  # noqa: E402

PLACES = 2  # of each of two processes: one here, one there
PACKETS = 50  # of sound a second

pytestmark = pytest.mark.cluster_long


@pytest.fixture
def line() -> Iterator[Cable]:
    try:
        with cable() as joined:
            yield joined
    except NotAllowed as reason:
        pytest.skip(str(reason))


@pytest.fixture
async def apart(line: Cable) -> AsyncIterator[House]:
    if find_postgres() is None:
        pytest.skip(MISSING)
    with house(1, beyond=line, workers=2, most_workers=2, places=PLACES, ingresses=1) as made:
        await until(made.nodes.whole, "all are there")
        yield made


class Guests:
    """Visitors of a house, who leave it at the end."""

    def __init__(self, home: House) -> None:
        self._home, self._all = home, list[Visitor]()

    async def come(self, visits: int) -> list[Visitor]:
        """So many more, as soon as there are places for them."""
        end, more = time.monotonic() + PATIENCE, list[Visitor]()
        while len(more) < visits:
            self._all.append(self._home.visitor())
            try:
                await self._all[-1].come()
                more.append(self._all[-1])
            except httpx.HTTPStatusError:
                assert time.monotonic() < end, "no place was given back"
                await asyncio.sleep(0.5)
        return more

    async def on_both_sides(self) -> tuple[Visitor, Visitor]:
        """A visit here and one there; each side has another place."""
        nodes = self._home.nodes
        visitors = await self.come(2 * PLACES)
        there = [visitor for visitor in visitors if nodes.showing(visitor)[1] == nodes.beyond()]
        assert len(there) == PLACES
        here = [visitor for visitor in visitors if visitor not in there]
        for visitor in (there.pop(), here.pop()):
            await visitor.leave()
        for visitor in (*here, *there):
            visitor.stay()
        return here[0], there[0]

    async def leave(self) -> None:
        for visitor in self._all:
            await visitor.leave()


@pytest.fixture
async def guests(apart: House) -> AsyncIterator[Guests]:
    coming = Guests(apart)
    yield coming
    await coming.leave()


async def test_visits_go_on_here_and_a_machine_that_is_back_takes_new_ones(line: Cable, apart: House, guests: Guests) -> None:
    here, there = await guests.on_both_sides()
    cut_off, _ = apart.nodes.showing(there)
    line.pull()
    assert await recovered(there) < RECOVERED * BUSY
    shown, _ = apart.nodes.showing(there)
    assert shown != cut_off and not here.gaps
    line.join()
    heard = len(there.sound)
    await there.until(lambda: len(there.sound) > heard + 5 * PACKETS)
    assert len(there.gaps) == 1 and apart.nodes.showing(there)[0] == shown, "who was given up does not come back"
    more = await guests.come(PLACES)  # the machine that was away has all its places
    assert {apart.nodes.showing(visitor)[0] for visitor in more} == {cut_off}


async def test_a_machine_that_was_away_too_long_starts_again(line: Cable, apart: House, guests: Guests) -> None:
    """Ray has given it up, and ends what runs there when it is back; whoever started it starts it again."""
    here, there = await guests.on_both_sides()
    before = apart.nodes.beyond()
    began = time.monotonic()
    line.pull()
    assert await recovered(there) < RECOVERED * BUSY
    await until(lambda: apart.nodes.beyond() != before, "Ray has given it up")
    print(f"given up after {time.monotonic() - began:.0f} s")
    line.join()
    assert not here.gaps and len(there.gaps) == 1
    end_all(line.there)
    await asyncio.to_thread(apart.nodes.add_beyond, line)
    await until(apart.nodes.whole, "all are there")
    assert not here.gaps and len(there.gaps) == 1
    await guests.come(PLACES)

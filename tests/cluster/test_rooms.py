"""Avatars in real LiveKit rooms, launched in a cluster: another process joins the room again where one dies."""

from __future__ import annotations

import asyncio

from tests.plugins import need

need("livekit.agents")

from tests.cluster.nodes import House, kill, until  # noqa: E402
from tests.cluster.room_visit import RoomVisit  # noqa: E402
from tests.livekit.server import LiveKit  # noqa: E402

RECOVERED = 5.0 * 3  # s, on two cores that carry everything else as well


async def test_an_avatar_comes_back_into_its_room(home: House, livekit: LiveKit) -> None:
    await until(home.nodes.whole, "all are there")
    async with RoomVisit(home, livekit) as visit:
        await visit.sees(25)
        kill(visit.process())
        loop = asyncio.get_running_loop()
        began = loop.time()
        await visit.seen_anew()
        assert loop.time() - began < RECOVERED
        assert await visit.status() == "running"
    async with home.owner() as owner:
        bad = await owner.post("/launch", json={**visit.order, "livekit_token": "wrong"})
        assert bad.status_code == 422 and "cannot be joined" in bad.json()["error"]["message"]

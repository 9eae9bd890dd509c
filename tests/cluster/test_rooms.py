"""Avatars in real LiveKit rooms, launched in a cluster: another process joins the room again where one dies."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

from tests.plugins import need

need("livekit.agents")

from livekit import rtc  # noqa: E402

from tests.cluster.nodes import House, kill, until  # noqa: E402
from tests.livekit.server import SERVER, LiveKit, serving  # noqa: E402

ROOM, AGENT, AVATAR = "lobby", "agent", "avatar"
RECOVERED = 5.0 * 3  # s, on two cores that carry everything else as well


@pytest.fixture(scope="module")
def livekit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKit]:
    program = SERVER.find()
    if program is None:
        pytest.skip(SERVER.missing)
    with serving(program, tmp_path_factory.mktemp("livekit")) as server:
        yield server


class Viewer:
    """The agent of a room, which sees its avatar."""

    def __init__(self) -> None:
        self.room, self.pictures = rtc.Room(), 0
        self._taking = set[asyncio.Task[None]]()
        self.room.on("track_subscribed", self._see)

    def _see(self, track: Any, _publication: Any, participant: Any) -> None:
        if track.kind == rtc.TrackKind.KIND_VIDEO and participant.identity == AVATAR:
            task = asyncio.create_task(self._take(track))
            self._taking.add(task)
            task.add_done_callback(self._taking.discard)

    async def _take(self, track: Any) -> None:
        async for _ in rtc.VideoStream(track):
            self.pictures += 1

    async def sees(self, more: int) -> None:
        wanted = self.pictures + more

        async def look() -> None:
            while self.pictures < wanted:
                await asyncio.sleep(0.02)

        await asyncio.wait_for(look(), 60)


async def test_an_avatar_comes_back_into_its_room(home: House, livekit: LiveKit) -> None:
    await until(home.nodes.whole, "all are there")
    viewer = Viewer()
    await viewer.room.connect(livekit.url, livekit.token(AGENT, ROOM, agent=True))
    order = {"livekit_url": livekit.url, "livekit_token": livekit.token(AVATAR, ROOM), "room_name": ROOM, "agent_code": home.code}
    async with httpx.AsyncClient(
        base_url=home.nodes.url, headers={"api-secret": home.secret}, timeout=60, trust_env=False
    ) as owner:
        answer = await owner.post("/launch", json=order)
        assert answer.status_code == 200 and answer.json()["status"] == "running", answer.text
        number = answer.json()["task_id"]
        await viewer.sees(25)
        (process,) = [process for process, _ in home.nodes.stages().values() if talks_to(process, livekit)]
        kill(process)
        loop = asyncio.get_running_loop()
        began = loop.time()
        left = asyncio.Event()
        viewer.room.on("track_subscribed", lambda *_: left.set())
        await asyncio.wait_for(left.wait(), 60)
        await viewer.sees(1)
        assert loop.time() - began < RECOVERED
        assert (await owner.get(f"/tasks/{number}")).json()["status"] == "running"
        await owner.post(f"/tasks/{number}/stop")
        while (await owner.get(f"/tasks/{number}")).json()["status"] != "ended":
            await asyncio.sleep(0.1)
        bad = await owner.post("/launch", json={**order, "livekit_token": "wrong"})
        assert bad.status_code == 422 and "cannot be joined" in bad.json()["error"]["message"]
    await viewer.room.disconnect()


def talks_to(process: int, livekit: LiveKit) -> bool:
    port = int(livekit.url.rpartition(":")[2])
    return any(line.raddr and line.raddr.port == port for line in psutil.Process(process).net_connections("tcp"))

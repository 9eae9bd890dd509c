"""An avatar in a LiveKit room, launched in the cluster, and the agent that sees it."""

from __future__ import annotations

import asyncio
from typing import Any

import psutil
from livekit import rtc

from tests.cluster.nodes import House
from tests.livekit.server import LiveKit

ROOM, AGENT, AVATAR = "lobby", "agent", "avatar"


class RoomVisit:
    """From when the avatar is in the room until it has left it."""

    def __init__(self, home: House, livekit: LiveKit) -> None:
        self._home, self._livekit, self._room = home, livekit, rtc.Room()
        self.order = {
            "livekit_url": livekit.url, "livekit_token": livekit.token(AVATAR, ROOM), "room_name": ROOM, "agent_code": home.code,
        }  # fmt: skip
        self._number = ""
        self._pictures = 0
        self._came = asyncio.Event()
        self._taking = set[asyncio.Task[None]]()
        self._room.on("track_subscribed", self._see)

    async def __aenter__(self) -> RoomVisit:
        await self._room.connect(self._livekit.url, self._livekit.token(AGENT, ROOM, agent=True))
        async with self._home.owner() as owner:
            answer = await owner.post("/launch", json=self.order)
        assert answer.status_code == 200 and answer.json()["status"] == "running", answer.text
        self._number = answer.json()["task_id"]
        return self

    async def __aexit__(self, *_: object) -> None:
        async with self._home.owner() as owner:
            await owner.post(f"/tasks/{self._number}/stop")
        while await self.status() != "ended":
            await asyncio.sleep(0.1)
        await self._room.disconnect()
        for task in self._taking:
            task.cancel()

    async def status(self) -> str:
        async with self._home.owner() as owner:
            return (await owner.get(f"/tasks/{self._number}")).json()["status"]

    async def sees(self, more: int) -> None:
        """Until the agent has seen so many further pictures."""
        wanted = self._pictures + more

        async def look() -> None:
            while self._pictures < wanted:
                await asyncio.sleep(0.02)

        await asyncio.wait_for(look(), 60)

    async def seen_anew(self) -> None:
        """Until there is another track of the avatar, and a picture of it."""
        self._came.clear()
        await asyncio.wait_for(self._came.wait(), 60)
        await self.sees(1)

    def process(self) -> int:
        """That of the avatar."""
        port = int(self._livekit.url.rpartition(":")[2])

        def talks(process: int) -> bool:
            return any(line.raddr and line.raddr.port == port for line in psutil.Process(process).net_connections("tcp"))

        (found,) = [process for process, _ in self._home.nodes.stages().values() if talks(process)]
        return found

    def _see(self, track: Any, _publication: Any, participant: Any) -> None:
        if track.kind == rtc.TrackKind.KIND_VIDEO and participant.identity == AVATAR:
            task = asyncio.create_task(self._take(track))
            self._taking.add(task)
            task.add_done_callback(self._taking.discard)
            self._came.set()

    async def _take(self, track: Any) -> None:
        async for _ in rtc.VideoStream(track):
            self._pictures += 1

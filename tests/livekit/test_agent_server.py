"""Our avatar as an agent server of a real livekit-server: dispatched by load, and put in again when its worker is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.plugins import need

need("livekit.agents", "livekit.api", "fastapi", "uvicorn", "python_multipart")

from livekit import api, rtc  # noqa: E402
from livekit.protocol.agent_dispatch import CreateAgentDispatchRequest  # noqa: E402
from livekit.protocol.room import ListParticipantsRequest  # noqa: E402

from tests.go_program import free_ports  # noqa: E402
from tests.livekit.server import KEY, SECRET, LiveKit  # noqa: E402
from tests.livekit.test_real_server import Viewer, agent_in, agent_room, likeness, until, viewing  # noqa: E402
from tests.worker.test_worker import say, voice_of  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
TICK = 640
IDENTITY = "bithuman-avatar-agent"
AGENT_NAME = "lk.agent.name"  # an attribute of whoever was dispatched
BACK_SECONDS = 5.0


class Worker:
    """One in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self._client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}")

    async def running(self) -> list[str]:
        """The rooms it has avatars in."""
        if self.process.returncode is not None:
            return []
        tasks = (await self._client.get("/tasks")).json()["tasks"]
        return [task["room_name"] for task in tasks if task["status"] == "running"]


@asynccontextmanager
async def agent_server(server: LiveKit, name: str, log: Path) -> AsyncIterator[Worker]:
    (port,) = free_ports(1)
    command = ["-m", "bithuman_core", "worker", "--port", str(port), "--max-tasks", "1", "--livekit-url", server.url]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LIVEKIT_API_KEY": KEY, "LIVEKIT_API_SECRET": SECRET}
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, "--agent-name", name, stdout=errors, stderr=errors, env=environment
        )
    try:
        await until(lambda: b"Ready" in log.read_bytes())
        yield Worker(process, port)
    finally:
        if process.returncode is None:
            process.terminate()
            assert await asyncio.wait_for(process.wait(), 15) == 0


@asynccontextmanager
async def two_workers(server: LiveKit, name: str, folder: Path) -> AsyncIterator[list[Worker]]:
    async with AsyncExitStack() as stack:
        starting = (stack.enter_async_context(agent_server(server, name, folder / f"{number}.log")) for number in range(2))
        yield await asyncio.gather(*starting)


async def dispatch(host: api.LiveKitAPI, name: str, room: str, metadata: str = '{"agent": "agent"}') -> None:
    """As soon as there is somebody to dispatch to, which LiveKit's server learns a moment after the worker is ready."""
    request = CreateAgentDispatchRequest(agent_name=name, room=room, metadata=metadata)

    async def taken() -> bool:
        before = await avatars(host, room)
        made = await host.agent_dispatch.create_dispatch(request)
        for _ in range(60):
            if await avatars(host, room) > before:
                return True
            await asyncio.sleep(0.05)
        await host.agent_dispatch.delete_dispatch(made.id, room)
        return False

    await until(taken)


@pytest.fixture
async def host(server: LiveKit) -> AsyncIterator[api.LiveKitAPI]:
    async with api.LiveKitAPI(server.url.replace("ws", "http"), KEY, SECRET) as host:
        yield host


async def avatars(host: api.LiveKitAPI, room: str) -> int:
    """How many are in a room."""
    listed = await host.room.list_participants(ListParticipantsRequest(room=room))
    return sum(AGENT_NAME in each.attributes for each in listed.participants)


async def test_two_rooms_two_workers_one_killed(
    server: LiveKit, host: api.LiveKitAPI, tmp_path: Path, speech: NDArray[np.int16]
) -> None:
    name, said = "bithuman-avatar", speech[: 50 * TICK]
    async with two_workers(server, name, tmp_path) as workers, viewing(server, "one") as viewer, agent_in(server, "one") as agent:
        await dispatch(host, name, "one")
        await until(lambda: len(viewer.pictures) > 5)
        first, other = workers if await has(workers[0], "one") else reversed(workers)
        async with agent_in(server, "two"):
            await dispatch(host, name, "two")
            await until(lambda: has(other, "two"))  # each has one place
        await until(lambda: idle(other))  # with the agent its avatar left

        output = voice_of(agent_room(agent), IDENTITY)
        await say(output, speech)
        await until(lambda: np.abs(viewer.heard).max(initial=0) > 1000)
        killed = time.monotonic()
        first.process.send_signal(signal.SIGKILL)
        await until(lambda: viewer.pictures[-1][0] > killed + 1, 30)
        back = next(at for at, _ in viewer.pictures if at > killed + 1) - killed
        print(f"seen again {back:.1f} s after the kill")
        assert back < BACK_SECONDS
        assert (await output.wait_for_playout()).interrupted, "the agent learns that its sentence was cut"
        assert await other.running() == ["one"] and await avatars(host, "one") == 1

        before = viewer.heard.size
        await say(output, said)
        assert not (await output.wait_for_playout()).interrupted
        await until(lambda: viewer.heard.size > before + 4 * 16_000)
        assert likeness(viewer.heard[before:], said) > 0.8


async def has(worker: Worker, room: str) -> bool:
    return room in await worker.running()


async def idle(worker: Worker) -> bool:
    return not await worker.running()


async def test_a_dispatch_may_name_the_avatar_and_whose_track_it_speaks(
    server: LiveKit, host: api.LiveKitAPI, tmp_path: Path, speech: NDArray[np.int16]
) -> None:
    async with agent_server(server, "by-track", tmp_path / "log") as worker, viewing(server, "track") as viewer:
        singer = Viewer()
        await singer.room.connect(server.url, server.token("singer", "track"), rtc.RoomOptions(auto_subscribe=False))
        source = rtc.AudioSource(16_000, 1)
        track = rtc.LocalAudioTrack.create_audio_track("voice", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await singer.room.local_participant.publish_track(track, options)
        await dispatch(host, "by-track", "track", '{"audio_of": "singer", "avatar": "theo", "identity": "face"}')
        await until(lambda: "face" in viewer.room.remote_participants and len(viewer.pictures) > 5)
        viewer.only("face")
        for tick in speech[: 100 * TICK].reshape(-1, TICK):
            await source.capture_frame(rtc.AudioFrame(tick.tobytes(), 16_000, 1, TICK))
        await until(lambda: viewer.heard.size > 6 * 16_000)
        assert likeness(viewer.heard, speech[20 * TICK : 80 * TICK]) > 0.7, "Opus has changed it twice"
        await singer.close()
        await until(lambda: idle(worker))

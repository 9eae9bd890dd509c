"""A livekit-server that is killed in the middle of a visit and started again: the avatar is back by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.plugins import need

need("livekit.agents", "livekit.api", "fastapi", "uvicorn")

from livekit import rtc  # noqa: E402

from tests.livekit.server import LiveKit, serving  # noqa: E402
from tests.livekit.test_real_server import QUIET, agent_in, agent_room, likeness, until, viewing  # noqa: E402
from tests.worker.test_worker import say, voice_of  # noqa: E402
from tests.worker.test_worker import serving as serving_worker  # noqa: E402

RATE, TICK = 16_000, 640
BACK_SECONDS = 20  # from the server's start: LiveKit's own client may take a minute


@pytest.fixture
def own_server(livekit_server: Path, tmp_path: Path) -> Iterator[LiveKit]:
    """One that nobody else needs."""
    with serving(livekit_server, tmp_path) as server:
        yield server


async def test_an_avatar_is_back_when_the_server_is(own_server: LiveKit, speech: NDArray[np.int16]) -> None:
    server, said = own_server, speech[: 50 * TICK]
    async with serving_worker(rtc.Room) as worker:
        token = server.token("avatar", "room")
        async with viewing(server, "room") as viewer, agent_in(server, "room") as agent:
            output = voice_of(agent_room(agent), "avatar")
            answer = await worker.launch(livekit_url=server.url, livekit_token=token, room_name="room")
            task = answer.json()["task_id"]
            await until(lambda: len(viewer.pictures) > 5)
            await say(output, speech)
            await until(lambda: np.abs(viewer.heard).max(initial=0) > 1000)
            server.kill()
        server.start()
        async with viewing(server, "room") as viewer, agent_in(server, "room") as agent:
            output = voice_of(agent_room(agent), "avatar")
            await until(lambda: len(viewer.pictures) > 5, BACK_SECONDS)
            assert (await worker.task(task))["status"] == "running"
            await until(lambda: viewer.heard.size > RATE and np.abs(viewer.heard[-RATE:]).max() < QUIET)  # the sentence is over
            before = viewer.heard.size
            await say(output, said)
            assert not (await output.wait_for_playout()).interrupted
            await until(lambda: viewer.heard.size > before + 4 * RATE)
            assert likeness(viewer.heard[before:], said) > 0.8
            assert viewer.rate(2.0) > 20

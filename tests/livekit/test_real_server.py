"""In rooms of a real livekit-server: what a viewer sees and hears of an avatar, and how its visit ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import correlate

from tests.plugins import need

need("livekit.agents", "livekit.api", "fastapi", "uvicorn")

from livekit import rtc  # noqa: E402
from livekit.agents import AgentSession  # noqa: E402
from livekit.agents.voice.avatar import QueueAudioOutput  # noqa: E402

from bithuman_core import AsyncBithuman, Fixture  # noqa: E402
from bithuman_core.livekit import AvatarSession  # noqa: E402
from tests.livekit.server import KEY, SECRET, LiveKit  # noqa: E402
from tests.livekit.test_livekit import Listener  # noqa: E402
from tests.worker.test_worker import say, voice_of  # noqa: E402
from tests.worker.test_worker import serving as serving_worker  # noqa: E402

RATE, TICK = 16_000, 640
QUIET = 200  # of int16: softer is silence after Opus


class Viewer:
    """Somebody who looks and listens."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.pictures: list[tuple[float, tuple[int, int]]] = []
        self._pieces: list[tuple[float, NDArray[np.int16]]] = []
        self._following = set[asyncio.Task[None]]()
        self._whom: str | None = None
        self._last: dict[str, rtc.AudioStream] = {}  # of each one there; a track of the dead is silent for a while
        self.room.on("track_subscribed", self._follow)

    @property
    def heard(self) -> NDArray[np.int16]:
        return np.concatenate([np.zeros(0, np.int16), *(piece for _, piece in self._pieces)])

    def loud_since(self, moment: float) -> float:
        """The last moment after it that was not silent, seconds later; 0 for none."""
        return max((at - moment for at, piece in self._pieces if at > moment and np.abs(piece).max() > QUIET), default=0.0)

    def rate(self, seconds: float) -> float:
        """Pictures a second of the last ones."""
        last = self.pictures[-1][0]
        return sum(at > last - seconds for at, _ in self.pictures) / seconds

    async def close(self) -> None:
        await self.room.disconnect()
        for task in self._following:
            task.cancel()
        await asyncio.gather(*self._following, return_exceptions=True)

    def only(self, identity: str) -> None:
        """Listen to one participant alone, from now on."""
        self._whom, self._pieces = identity, []

    def _follow(self, track: rtc.Track, _: object, participant: rtc.RemoteParticipant) -> None:
        follow = self._look(track) if track.kind == rtc.TrackKind.KIND_VIDEO else self._listen(track, participant.identity)
        self._following.add(asyncio.get_running_loop().create_task(follow))

    async def _look(self, track: rtc.Track) -> None:
        stream = rtc.VideoStream(track)
        try:
            async for event in stream:
                self.pictures.append((time.monotonic(), (event.frame.width, event.frame.height)))
        finally:
            await stream.aclose()

    async def _listen(self, track: rtc.Track, identity: str) -> None:
        self._last[identity] = stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
        try:
            async for event in stream:
                if self._whom in (identity, None) and stream is self._last[identity]:
                    self._pieces.append((time.monotonic(), np.frombuffer(event.frame.data, np.int16)))
        finally:
            await stream.aclose()


@asynccontextmanager
async def viewing(server: LiveKit, room: str) -> AsyncIterator[Viewer]:
    viewer = Viewer()
    await viewer.room.connect(server.url, server.token("viewer", room))
    yield viewer
    await viewer.close()


@asynccontextmanager
async def agent_in(server: LiveKit, name: str) -> AsyncIterator[rtc.Room]:
    room = rtc.Room()
    await room.connect(server.url, server.token("agent", name, agent=True))
    yield room
    await room.disconnect()


@pytest.fixture
async def runtime(fixture: Fixture) -> AsyncIterator[AsyncBithuman]:
    async with AsyncBithuman(fixture) as made:
        yield made


async def until(done: Callable[[], bool | Awaitable[bool]], seconds: float = 60) -> None:
    async def look() -> None:
        while not (await answer if isinstance(answer := done(), Awaitable) else answer):
            await asyncio.sleep(0.02)

    await asyncio.wait_for(look(), seconds)


def likeness(heard: NDArray[np.int16], said: NDArray[np.int16]) -> float:
    """The greatest correlation of what was heard with each half second of what was said; of those, the median.

    Half a second each: the viewer's jitter buffer stretches sound by some milliseconds until it knows the line.
    """
    whole, block = heard.astype(np.float64), RATE // 2
    energy = np.convolve(whole**2, np.ones(block), "valid")
    pieces = said[: said.size // block * block].reshape(-1, block).astype(np.float64)
    return float(np.median([
        (correlate(whole, piece, "valid") / np.sqrt(energy * (piece**2).sum() + 1)).max() for piece in pieces
    ]))  # fmt: skip


async def test_a_viewer_sees_and_hears_an_agents_session(
    server: LiveKit, runtime: AsyncBithuman, speech: NDArray[np.int16]
) -> None:
    async with viewing(server, "session") as viewer, agent_in(server, "session") as room:
        session, avatar = AgentSession(), AvatarSession(runtime=runtime)
        await avatar.start(session, room)
        assert isinstance(session.output.audio, QueueAudioOutput)
        listener = Listener(session.output.audio)
        await until(lambda: len(viewer.pictures) > 5)
        said, before = speech[: 75 * TICK], viewer.heard.size
        await listener.say(said)
        finished = await listener.output.wait_for_playout()
        assert (finished.interrupted, finished.playback_position) == (False, pytest.approx(3.0))
        await until(lambda: viewer.heard.size > before + 5 * RATE)
        assert likeness(viewer.heard[before:], said) > 0.8, "Opus changes it a little"
        assert {size for _, size in viewer.pictures[-25:]} == {(512, 512)}
        assert viewer.rate(2.0) > 20

        await listener.say(speech[: 150 * TICK])
        begun = viewer.heard.size
        await until(lambda: np.abs(viewer.heard[begun:]).max(initial=0) > 1000)
        cut = time.monotonic()
        listener.output.clear_buffer()
        assert (await listener.output.wait_for_playout()).interrupted
        await asyncio.wait_for(asyncio.shield(_heard_for(viewer, cut, 1.5)), 60)
        assert viewer.loud_since(cut) < 0.6, "an interrupted avatar is silent soon"
        await avatar.aclose()


async def _heard_for(viewer: Viewer, moment: float, seconds: float) -> None:
    await until(lambda: viewer._pieces[-1][0] > moment + seconds)


async def test_a_launched_avatar_speaks_for_its_agent_and_leaves_with_it(server: LiveKit, speech: NDArray[np.int16]) -> None:
    said = speech[: 50 * TICK]
    async with serving_worker(rtc.Room) as worker, viewing(server, "launch") as viewer:
        async with agent_in(server, "launch") as agent:
            output = voice_of(agent_room(agent), "avatar")
            token = server.token("avatar", "launch")
            answer = await worker.launch(livekit_url=server.url, livekit_token=token, room_name="launch")
            task = answer.json()["task_id"]
            await until(lambda: len(viewer.pictures) > 5)
            before = viewer.heard.size
            await say(output, said)
            finished = await output.wait_for_playout()
            assert not finished.interrupted
            await until(lambda: viewer.heard.size > before + 4 * RATE)
            assert likeness(viewer.heard[before:], said) > 0.8
            assert viewer.rate(2.0) > 20

        async def ended() -> bool:
            return (await worker.task(task))["status"] != "running"

        await until(ended)
        assert (await worker.task(task))["status"] == "ended"
        assert "avatar" not in viewer.room.remote_participants


def agent_room(room: rtc.Room) -> Any:
    """As a stand-in's side offers itself to those who speak into it."""
    return type("Side", (), {"as_room": room})()


async def test_a_room_that_is_closed_ends_the_visit(server: LiveKit) -> None:
    from livekit import api
    from livekit.protocol.room import DeleteRoomRequest, ListParticipantsRequest

    async with serving_worker(rtc.Room) as worker, agent_in(server, "closing"):
        token = server.token("avatar", "closing")
        answer = await worker.launch(livekit_url=server.url, livekit_token=token, room_name="closing")
        task = answer.json()["task_id"]
        async with api.LiveKitAPI(server.url.replace("ws", "http"), KEY, SECRET) as host:
            async def both() -> bool:
                listed = await host.room.list_participants(ListParticipantsRequest(room="closing"))
                return {one.identity for one in listed.participants} >= {"agent", "avatar"}

            await until(both)
            await host.room.delete_room(DeleteRoomRequest(room="closing"))

        async def ended() -> bool:
            return (await worker.task(task))["status"] == "ended"

        await until(ended)

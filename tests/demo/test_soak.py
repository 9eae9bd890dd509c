"""Visitors that come and go: memory, threads and descriptors stay flat, over real connections and half an hour simulated."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
import weakref
from concurrent.futures import Executor, Future
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from numpy.typing import NDArray

from bithuman_core.audio.sound import Sound
from bithuman_core.demo.gallery import Gallery
from bithuman_core.demo.limits import Limits
from bithuman_core.demo.visitors.visitor import Visitor
from bithuman_core.fastrtc.clip_queue import Clip
from bithuman_core.fastrtc.handler import COLLECT_SECONDS
from bithuman_core.fastrtc.live_session import LiveSession, SharedResources
from bithuman_core.settings import models_dir
from bithuman_core.timing import SAMPLES_PER_TICK
from bithuman_core.types import Emotion
from tests.demo.serving import demo_app, serving
from tests.simulated import SimulatedClock

WARM_UP, VISITS = 6, 12
MIB = 2**20


class Made:
    def __init__(self, samples: NDArray[np.int16] | None) -> None:
        self.frame, self.audio = np.full((64, 64, 3), 99, np.uint8), samples


class Light:
    """An engine that costs nothing."""

    speaking = False

    def __init__(self, _role: object = None) -> None:
        self.made = 0

    def step(self, samples: NDArray[np.int16] | None) -> Made:
        self.made += 1
        return Made(samples)

    def animate(self, samples: NDArray[np.int16] | None) -> tuple[None, NDArray[np.int16] | None]:
        return None, samples

    def play(self, state: object) -> None:
        pass

    def hush(self) -> None:
        pass


class AtOnce(Executor):
    """Does the work where it is asked for, without a thread."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@pytest.fixture(scope="module")
def gallery() -> Gallery:
    return Gallery([models_dir() / "mara.imx"])


async def visit(client: httpx.AsyncClient, number: int, *, polite: bool) -> None:
    """Open the page, see some pictures, leave: by hanging up, or by closing the page."""
    secret = (await client.post("/visit")).json()["visit"]
    connection = RTCPeerConnection()
    channel = connection.createDataChannel("text")
    seen: asyncio.Queue[Any] = asyncio.Queue()

    @connection.on("track")
    def watch(track: Any) -> None:
        if track.kind == "video":
            watching.append(asyncio.create_task(look(track)))

    async def look(track: Any) -> None:
        try:
            while True:
                seen.put_nowait(await track.recv())
        except MediaStreamError:
            pass

    watching: list[asyncio.Task[None]] = []
    connection.addTransceiver("video", direction="sendrecv")
    connection.addTransceiver("audio", direction="sendrecv")
    await connection.setLocalDescription(await connection.createOffer())
    body = {"type": "offer", "webrtc_id": f"visitor-{number:04}", "sdp": connection.localDescription.sdp}
    answer = (await client.post("/webrtc/offer", json=body, headers={"X-Visit": secret})).json()
    await connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
    for _ in range(3):
        frame = await asyncio.wait_for(seen.get(), 30)
        assert frame.width == 64
    if channel.readyState == "open":
        channel.send("{nonsense")
    if polite:
        await client.post(f"/visit/hang-up/visitor-{number:04}", headers={"X-Visit": secret})
    await client.post("/visit/leave", content=secret)
    assert (await client.get("/health")).json()["live"] == 0
    await connection.close()
    await asyncio.gather(*watching)


async def test_real_connections_leave_nothing_behind(gallery: Gallery) -> None:
    app = demo_app(gallery, places=1, make_engine=Light)
    process = psutil.Process()
    async with serving(app) as client:
        await app.state.context.jobs.check(lambda: None)  # the film of the first avatar is made
        for number in range(WARM_UP):
            await visit(client, number, polite=bool(number % 2))
        before = await settled(process)
        for number in range(WARM_UP, WARM_UP + VISITS):
            await visit(client, number, polite=bool(number % 2))
        after = await settled(process)
        stream = app.state.context.stream
        left = [len(kept) for kept in (stream.pcs, stream.handlers, stream.connections, stream.data_channels)]
    assert left == [0, 0, 0, 0]
    assert after["threads"] <= before["threads"] + 1
    assert after["descriptors"] <= before["descriptors"] + 2
    assert after["sessions"] == 0
    assert after["memory"] - before["memory"] < 24 * MIB  # a visit that stayed would keep 8 MiB of codecs


async def settled(process: psutil.Process) -> dict[str, int]:
    """What is held once everything that ends has ended."""
    end = time.monotonic() + 4 * COLLECT_SECONDS
    while time.monotonic() < end and (any(isinstance(thing, LiveSession) for thing in gc.get_objects())):
        await asyncio.sleep(0.2)
        gc.collect()
    return {
        "threads": process.num_threads(),
        "descriptors": process.num_fds(),
        "memory": process.memory_info().rss,
        "sessions": sum(isinstance(thing, LiveSession) for thing in gc.get_objects()),
    }


async def test_half_an_hour_of_visitors_keeps_memory_flat(gallery: Gallery) -> None:
    clock = SimulatedClock()
    blocks: list[int] = []
    gone: list[weakref.ref[LiveSession]] = []
    shared = SharedResources(Light, AtOnce(), clock)

    async def one_visit() -> weakref.ref[LiveSession]:
        page = Visitor(gallery, Light, Limits(), clock)
        live = LiveSession(shared, lambda kind, data: None, lambda: None)
        page.meet(live)
        page.keep_clip(Clip("key", "a clip", Sound(np.zeros(16_000, np.int16))))
        task = asyncio.create_task(live.run())
        arrived = clock.now()
        while clock.now() - arrived < 60:
            live.hear(np.zeros(SAMPLES_PER_TICK, np.int16))
            await live.pictures.get()
        page.feel(Emotion.JOY)
        task.cancel()
        await asyncio.wait([task])
        page.close()
        return weakref.ref(live)

    begin = clock.now()
    while clock.now() - begin < 30 * 60:
        gone.append(await one_visit())
        gc.collect()
        blocks.append(sys.getallocatedblocks())
    assert len(blocks) == 30
    assert shared.sessions == set()
    assert [session() for session in gone] == [None] * 30
    assert max(blocks[10:]) - blocks[9] < 500  # objects

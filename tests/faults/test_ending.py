"""SIGTERM on a busy machine, whatever page or worker are doing: gone in time, with exit code 0, without a traceback, their files
too.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from gradio_client import Client, handle_file

from bithuman_core.settings import speech_clip
from tests.faults.serving import ROOT, WORKER, Server
from tests.plugins import need

BURNERS = 6
PHOTO = ROOT / "tests" / "data" / "astronaut.jpg"


@contextmanager
def busy_machine() -> Iterator[None]:
    """Others want the processor as well."""
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BURNERS)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server.started(tmp_path) as server:
        yield server


@asynccontextmanager
async def idle(server: Server) -> AsyncIterator[None]:
    """The film of the first avatar is being made, as after every start."""
    yield


@asynccontextmanager
async def live(server: Server) -> AsyncIterator[None]:
    """Somebody is live."""
    connection, seen = RTCPeerConnection(), asyncio.Event()
    connection.addTransceiver("video", direction="sendrecv")
    connection.addTransceiver("audio", direction="sendrecv")

    @connection.on("track")
    async def watch(track: Any) -> None:
        with suppress(MediaStreamError):  # the server ended
            await track.recv()
            seen.set()

    async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
        headers = {"X-Visit": (await client.post("/visit")).json()["visit"]}
        await connection.setLocalDescription(await connection.createOffer())
        offer = {"type": "offer", "webrtc_id": "visitor-0001", "sdp": connection.localDescription.sdp}
        answer = (await client.post("/webrtc/offer", json=offer, headers=headers)).json()
        await connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        await asyncio.wait_for(seen.wait(), 30)
        yield
    await connection.close()


@asynccontextmanager
async def working(server: Server, *given: object, endpoint: str) -> AsyncIterator[None]:
    """Long work goes on for somebody."""
    client = await asyncio.to_thread(Client, server.url, verbose=False)
    job = client.submit(*given, api_name=endpoint)
    while not (job.status().progress_data or job.done()):
        await asyncio.sleep(0.05)
    assert not job.done(), job.exception()
    yield


@asynccontextmanager
async def video(server: Server) -> AsyncIterator[None]:
    async with working(server, handle_file(speech_clip()), "theo", endpoint="/speak_file"):
        yield


@asynccontextmanager
async def photo(server: Server) -> AsyncIterator[None]:
    async with working(server, handle_file(PHOTO), "Ada", "NASA, public domain", endpoint="/build_avatar"):
        yield


async def half_of_a_file(server: Server, path: str, field: str, name: str) -> asyncio.StreamWriter:
    """An upload of which half has come, and the line that it comes over."""
    body = f'--x\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'.encode() + bytes(2**20)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    _, writer = await asyncio.open_connection(*httpx.URL(server.url).netloc.decode().split(":"))
    writer.write(f"{head}Content-Length: {2 * len(body)}\r\n\r\n".encode() + body)
    await writer.drain()
    return writer


@asynccontextmanager
async def upload(server: Server) -> AsyncIterator[None]:
    """A file of which half has come."""
    writer = await half_of_a_file(server, "/gradio_api/upload", "files", "a.wav")
    yield
    writer.close()


async def end_amid(server: Server, phase: Callable[[Server], AbstractAsyncContextManager[None]]) -> None:
    """The server is told to end while it does that and others take the processor; all that is promised of it is checked."""
    async with phase(server):
        with busy_machine():
            await asyncio.sleep(1)  # for the burners to burn
            took = await asyncio.to_thread(server.end)
    print(f"SIGTERM, {phase.__name__}: {took:.1f} s")


@pytest.mark.parametrize("phase", [idle, live, video, photo, upload])
async def test_it_is_gone_in_time(server: Server, phase: Callable[[Server], AbstractAsyncContextManager[None]]) -> None:
    await end_amid(server, phase)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Server]:
    need("livekit.agents", "fastapi", "uvicorn", "python_multipart")
    with Server.started(tmp_path, command=WORKER) as server:
        yield server


@asynccontextmanager
async def launching(server: Server, url: str, **files: Any) -> AsyncIterator[None]:
    """An avatar is on its way into a room."""
    form = {"livekit_url": url, "livekit_token": "t0ken", "room_name": "lobby", "consent": "NASA, public domain"}
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        launch = asyncio.create_task(client.post("/launch", data=form, files=files))
        while not (await client.get("/tasks")).json()["tasks"]:
            await asyncio.sleep(0.05)
        yield
        with suppress(httpx.TransportError):
            await launch


@asynccontextmanager
async def making(server: Server) -> AsyncIterator[None]:
    """The worker makes an avatar of a photo."""
    pytest.importorskip("ai_edge_litert", reason="the photo builder's extra is not installed")
    async with launching(server, "wss://live.example", avatar_image=("me.jpg", PHOTO.read_bytes())):
        yield


@asynccontextmanager
async def joining(server: Server) -> AsyncIterator[None]:
    """The worker waits for a LiveKit server that says nothing."""
    silent = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with silent, launching(server, f"ws://127.0.0.1:{silent.sockets[0].getsockname()[1]}", x=("", b"")):
        yield


@asynccontextmanager
async def sending(server: Server) -> AsyncIterator[None]:
    """An upload to the worker of which half has come."""
    writer = await half_of_a_file(server, "/launch", "avatar_image", "a.jpg")
    yield
    writer.close()


@pytest.mark.parametrize("phase", [idle, making, joining, sending])
async def test_the_worker_is_gone_in_time(worker: Server, phase: Callable[[Server], AbstractAsyncContextManager[None]]) -> None:
    await end_amid(worker, phase)

"""A browser's part of a FastRTC connection, played by aiortc: a microphone, ears and eyes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import av
import httpx
import numpy as np
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, MediaStreamTrack
from fastapi import FastAPI
from fastrtc import Stream
from numpy.typing import NDArray

MICROPHONE_RATE, PACKET = 8000, 160  # of aiortc's silent track: 20 ms
RATE = 48_000  # Hz, of what is heard
LOUD = 1500  # int16
PATIENCE = 40  # s


def tone(pitch: float, seconds: float, rate: int = 24_000) -> NDArray[np.int16]:
    """int16 [n]."""
    return (9000 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)).astype(np.int16)


class Microphone(AudioStreamTrack):
    """Silence, and what is said into it: int16 at 8 kHz."""

    def __init__(self) -> None:
        super().__init__()
        self._said: list[NDArray[np.int16]] = []

    def say(self, samples: NDArray[np.int16]) -> None:
        self._said += list(samples[: samples.size // PACKET * PACKET].reshape(-1, PACKET))

    async def recv(self) -> av.AudioFrame:
        frame = await super().recv()
        assert isinstance(frame, av.AudioFrame) and frame.sample_rate == MICROPHONE_RATE
        if self._said:
            frame.planes[0].update(self._said.pop(0).tobytes())
        return frame


class Peer:
    """What arrives: ``sound`` packet by packet, int16 [960] at 48 kHz, ``pictures`` (grey, float), ``messages``."""

    def __init__(self, name: str) -> None:
        self.name, self.microphone = name, Microphone()
        self.sound: list[NDArray[np.int16]] = []
        self.pictures: list[NDArray[np.float64]] = []
        self.messages: list[dict[str, Any]] = []
        self._news = asyncio.Event()

    async def until(self, done: Callable[[], bool]) -> None:
        """Return as soon as something has arrived that makes it so."""

        async def look() -> None:
            while not done():
                self._news.clear()
                await self._news.wait()

        await asyncio.wait_for(look(), PATIENCE)

    def pitches(self) -> list[int]:
        """Of every packet, Hz, in steps of 50; 0: silence."""
        return [pitch(packet) for packet in self.sound]

    async def hears(self, wanted: int) -> None:
        """Return when a tone of this pitch is heard (0: silence after all there was)."""
        await self.until(lambda: bool(self.sound) and pitch(self.sound[-1]) == wanted)

    async def take(self, track: Any) -> None:
        with suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if isinstance(frame, av.AudioFrame):
                    self.sound.append(frame.to_ndarray().reshape(-1, frame.layout.nb_channels)[:, 0].astype(np.int16))
                else:
                    self.pictures.append(frame.to_ndarray(format="gray").astype(np.float64))
                self._news.set()

    def told(self, text: str) -> None:
        self.messages.append(json.loads(text))
        self._news.set()


def pitch(packet: NDArray[np.int16]) -> int:
    return 0 if np.abs(packet.astype(int)).max() < LOUD else int(np.abs(np.fft.rfft(packet)).argmax()) * RATE // packet.size


@asynccontextmanager
async def connected(
    stream: Stream, name: str = "peer", camera: MediaStreamTrack | None = None
) -> AsyncIterator[Peer]:
    """A peer that hears and sees the stream; its handler is ``stream.handlers[name]``. camera: pictures that it sends."""
    app, peer, connection = FastAPI(), Peer(name), RTCPeerConnection()
    stream.mount(app)
    taking: list[asyncio.Task[None]] = []
    connection.on("track", lambda track: taking.append(asyncio.create_task(peer.take(track))))
    connection.addTransceiver(camera or "video", direction="sendrecv")
    connection.addTrack(peer.microphone)
    connection.createDataChannel("text").on("message", peer.told)
    await connection.setLocalDescription(await connection.createOffer())
    offer = {"type": "offer", "webrtc_id": name, "sdp": connection.localDescription.sdp}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answer = (await client.post("/webrtc/offer", json=offer)).json()
    await connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
    await peer.until(lambda: bool(peer.sound and peer.pictures))
    yield peer
    server = stream.pcs[name]
    await connection.close()
    await server.close()
    await asyncio.gather(*taking)


class Loudness:
    """FastRTC's PauseDetectionModel without a net: what is loud is speech."""

    def vad(self, audio: tuple[int, NDArray[Any]], options: Any) -> tuple[float, list[Any]]:
        rate, samples = audio
        block = rate // 100
        loud = np.abs(samples[: samples.size // block * block].astype(int)).reshape(-1, block).max(1) > LOUD
        return float(loud.sum()) / 100, []

    def warmup(self) -> None:
        """Nothing to do."""


def chunks(samples: NDArray[Any], size: int) -> Iterator[NDArray[Any]]:
    """[1, size] at a time."""
    for start in range(0, samples.size, size):
        yield samples[start : start + size].reshape(1, -1)

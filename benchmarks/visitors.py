"""What visitors cost a server, and what they get from it: ``python -m benchmarks.visitors``

Clients of aiortc speak into the page's stream and receive without decoding, so that they cost little themselves. Given are the
pictures as they arrive, and the CPU time of the server's process: its share of cores does not depend on what else runs here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import queue
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import psutil
from aiortc import AudioStreamTrack, RTCPeerConnection, RTCSessionDescription, rtcrtpreceiver
from gradio_client import Client, handle_file
from numpy.typing import NDArray

from bithuman_core.audio import float32_to_int16, load_audio
from bithuman_core.settings import speech_clip
from tests.browser.harness import Server

SPEECH_SECONDS = 15.9  # of the shipped clip
SETTLE_SECONDS = 5.0
STAY_SECONDS = 20.0  # after which a page says again that it is there
MICROPHONE_RATE, PACKET = 16_000, 320  # Hz, samples


class Microphone(AudioStreamTrack):
    """A clip in a loop, 20 ms a packet. ``start``: the sample it begins with."""

    def __init__(self, clip: NDArray[np.int16], start: int) -> None:
        super().__init__()
        self._clip, self._at = clip, start

    async def recv(self) -> av.AudioFrame:
        """The next packet, in its time."""
        await super().recv()
        packet = np.take(self._clip, range(self._at, self._at + PACKET), mode="wrap")
        frame = av.AudioFrame.from_ndarray(packet[None], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = MICROPHONE_RATE, self._at, Fraction(1, MICROPHONE_RATE)
        self._at += PACKET
        return frame


class Visitor:
    """One page without a browser. ``pictures``: when each one's first packet came, s; ``fresh``: what the server says of them."""

    def __init__(self, client: httpx.AsyncClient, clip: NDArray[np.int16], start: int) -> None:
        self.pictures: list[float] = []
        self.fresh: list[float] = []
        self.received = 0  # bytes of video
        self._client, self._peer = client, RTCPeerConnection()
        self._peer.addTrack(Microphone(clip, start))
        self._stamp: int | None = None
        self._staying: asyncio.Task[None] | None = None

    async def enter(self) -> None:
        """Connect."""
        visit = (await self._client.post("/visit")).json()
        headers = {"X-Visit": visit["visit"]}
        await self._client.get("/avatars/mara/idle.mp4")  # else it is drawn while the visitors are live
        receiver: Any = self._peer.addTransceiver("video", direction="sendrecv").receiver
        handle = receiver._handle_rtp_packet

        async def note(packet: Any, arrival_time_ms: int) -> None:
            self.received += len(packet.payload)
            if packet.timestamp != self._stamp and packet.payload:
                self._stamp = packet.timestamp
                self.pictures.append(time.monotonic())
            await handle(packet, arrival_time_ms=arrival_time_ms)

        receiver._handle_rtp_packet = note
        channel = self._peer.createDataChannel("text")
        channel.on("message", self._told)
        await self._peer.setLocalDescription(await self._peer.createOffer())
        offer = {"sdp": self._peer.localDescription.sdp, "type": "offer", "webrtc_id": secrets.token_hex(8)}
        answer = (await self._client.post("/webrtc/offer", json=offer, headers=headers)).raise_for_status().json()
        await self._peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        self._staying = asyncio.create_task(self._stay(headers))

    def forget(self) -> None:
        """Count anew."""
        self.pictures.clear()
        self.fresh.clear()
        self.received = 0

    async def leave(self) -> None:
        """Hang up."""
        if self._staying is not None:
            self._staying.cancel()
        await self._peer.close()

    async def _stay(self, headers: dict[str, str]) -> None:
        """Say that the page is still there, as it does: else its visit is ended after a while."""
        while True:
            await asyncio.sleep(STAY_SECONDS)
            with suppress(httpx.HTTPError):  # of a server that is being ended, or too busy to listen
                await self._client.post("/visit/here", headers=headers)

    def _told(self, text: str) -> None:
        message = json.loads(text)
        if message["type"] == "stats":
            self.fresh.append(message["data"]["fresh"])


def discard(_loop: asyncio.AbstractEventLoop, arriving: queue.Queue[Any], *_given: object) -> None:
    """In the place of aiortc's decoder."""
    while arriving.get() is not None:
        pass


def cpu_times(process: psutil.Process) -> tuple[float, float]:
    """CPU seconds of the whole process, and of its first thread, which is the event loop."""
    whole = process.cpu_times()
    loop = next((thread for thread in process.threads() if thread.id == process.pid), None)
    return whole.user + whole.system, 0.0 if loop is None else loop.user_time + loop.system_time


async def entered(client: httpx.AsyncClient, visitors: int) -> list[Visitor]:
    """So many visitors, all connected; each speaks the shipped clip from another place on."""
    clip = float32_to_int16(load_audio(speech_clip(), MICROPHONE_RATE)[0])
    crowd = [Visitor(client, clip, 30_000 * number) for number in range(visitors)]
    for visitor in crowd:
        await visitor.enter()
    return crowd


async def measure(url: str, process: psutil.Process, visitors: int, seconds: float) -> None:
    """So many visitors at once."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        crowd = await entered(client, visitors)
        await asyncio.sleep(SETTLE_SECONDS)
        for visitor in crowd:
            visitor.forget()
        before, own, start = cpu_times(process), time.process_time(), time.monotonic()
        await asyncio.sleep(seconds)
        now, took = cpu_times(process), time.monotonic() - start
        whole, loop = ((after - earlier) / took for earlier, after in zip(before, now, strict=True))
        print(f"\n{visitors} at once, {took:.0f} s")
        for visitor in crowd:
            gaps = 1000 * np.diff(visitor.pictures)
            middle, late, longest = np.median(gaps), np.quantile(gaps, 0.99), gaps.max()
            print(f"  new pictures a second {len(visitor.pictures) / took * np.mean(visitor.fresh):6.2f}   "
                  f"gap p50 / p99 / longest {middle:.0f} / {late:.0f} / {longest:.0f} ms   "
                  f"video {8e-3 * visitor.received / took:.0f} kbit/s")  # fmt: skip
        clients, machine = (time.process_time() - own) / took, psutil.cpu_percent(0.5)
        print(f"  server, % of a core: {100 * whole / visitors:.1f} a visitor, of it the event loop {100 * loop / visitors:.1f}; "
              f"{100 * whole:.0f} in all; {process.memory_info().rss / 2**20:.0f} MiB")  # fmt: skip
        print(f"  besides: these clients {100 * clients:.0f} % of a core; the machine was busy to {machine:.0f} %")
        await asyncio.gather(*(visitor.leave() for visitor in crowd))


@contextmanager
def busy(url: str) -> Iterator[None]:
    """Meanwhile somebody else has one video after the other made, through the endpoint."""
    end, made = threading.Event(), 0

    def work() -> None:
        nonlocal made
        client = Client(url, verbose=False)
        while not end.is_set():
            client.predict(handle_file(speech_clip()), "theo", api_name="/speak_file")
            made += 1

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        yield
        end.set()
        working.result()
    print(f"  meanwhile {made} videos of {SPEECH_SECONDS:.0f} s were made")


async def accompany(url: str, visitors: int, seconds: float) -> None:
    """So many visitors of a server that somebody else measures."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        crowd = await entered(client, visitors)
        print("all are in", flush=True)
        await asyncio.sleep(seconds)
        await asyncio.gather(*(visitor.leave() for visitor in crowd))


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="length of each measurement")
    parser.add_argument("--visitors", type=int, nargs="+", default=[1, 3], help="how many at once")
    parser.add_argument("--join", metavar="URL", help="visit a running server for so many seconds, and print nothing of it")
    parser.add_argument("--jobs", action="store_true", help="have videos made meanwhile, one after the other")
    given = parser.parse_args()
    rtcrtpreceiver.decoder_worker = discard  # pyright: ignore[reportAttributeAccessIssue]
    if given.join is not None:
        asyncio.run(accompany(given.join, max(given.visitors), given.seconds))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        for visitors in given.visitors:
            with (
                Server(Path(folder) / "log.txt", "app.py", "--max-visitors", str(visitors)) as server,
                busy(server.url) if given.jobs else nullcontext(),
            ):
                asyncio.run(measure(server.url, psutil.Process(server.pid), visitors, given.seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main())

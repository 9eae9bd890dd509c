"""Does anything grow while visitors come and go: ``python -m benchmarks.soak --minutes 30``

They come to the real server, speak, send sound, break an upload off, and leave: by hanging up, or without a word. Printed is what
the server holds before, every few minutes, and once all have left.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from aiortc import rtcrtpreceiver

from benchmarks.visitors import MICROPHONE_RATE, Visitor, discard
from bithuman_core.audio import float32_to_int16, load_audio
from bithuman_core.demo.local_key import HEADER, local_key
from bithuman_core.settings import speech_clip
from tests.browser.harness import Server

MIB = 2**20
AT_ONCE, PLACES = 3, 8  # who left without a word holds a place for some seconds
STAY = 4.0, 12.0  # s
GONE_SECONDS = 200.0  # until the server has forgotten a page that left without a word
GROWTH_MIB, GROWTH_THREADS, GROWTH_DESCRIPTORS = 32, 2, 3  # that still counts as flat


@dataclass(frozen=True)
class Held:
    """What the server holds: MiB of memory, threads, descriptors, temporary files and their MiB, pages."""

    memory: float
    threads: int
    descriptors: int
    files: int
    bytes: float
    pages: int
    live: int

    def __str__(self) -> str:
        return (f"{self.memory:7.0f}{self.threads:9d}{self.descriptors:13d}{self.files:7d}{self.bytes:7.1f}"
                f"{self.pages:7d}{self.live:6d}")  # fmt: skip


def look(health: dict[str, Any], pid: int, folder: Path) -> Held:
    """See what it is, beside what the server says itself."""
    process, files = psutil.Process(pid), [path for path in folder.rglob("*") if path.is_file()]
    return Held(process.memory_info().rss / MIB, process.num_threads(), process.num_fds(), len(files),
                sum(path.stat().st_size for path in files) / MIB, health["pages"], health["live"])  # fmt: skip


async def visit(client: httpx.AsyncClient, clip: Any, number: int) -> str:
    """Come, speak, send something, leave. Returns how it ended."""
    visitor, chance = Visitor(client, clip, 7919 * number % len(clip)), random.Random(number)
    try:
        await visitor.enter()
    except (httpx.HTTPError, KeyError):  # it is full for the moment
        await visitor.leave()
        return "full"
    await asyncio.sleep(chance.uniform(*STAY))
    if number % 3 == 0:
        sound = {"content": speech_clip().read_bytes(), "headers": {HEADER: local_key(), "X-File-Name": "speech.flac"}}
        await client.post("/local/speak", **sound)
    if number % 3 == 1:
        await broken_off(client.base_url)
    way = ("hung up", "went silent")[number % 2]
    if way == "went silent":
        await silence(visitor)
    await visitor.leave()
    return way


async def broken_off(url: httpx.URL) -> None:
    """Half a file."""
    _, writer = await asyncio.open_connection(url.host, url.port)
    head = "POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.wav"\r\n\r\n' + bytes(MIB)
    writer.write(f"{head}Content-Length: {2 * len(part)}\r\n\r\n".encode() + part)
    await writer.drain()
    writer.transport.abort()


async def silence(visitor: Visitor) -> None:
    """Close its sockets without telling the server, as a phone that leaves the network."""
    for transport in {sender.transport.transport for sender in visitor._peer.getSenders()}:
        await transport._connection.close()


async def soak(server: Server, folder: Path, minutes: float) -> bool:
    """Print the table. Returns whether all stayed flat."""
    clip = float32_to_int16(load_audio(speech_clip(), MICROPHONE_RATE)[0])
    ended: dict[str, int] = {}
    begin = time.monotonic()
    end, number = begin + 60 * minutes, 0

    async def stream_of_visitors(client: httpx.AsyncClient) -> None:
        nonlocal number
        while time.monotonic() < end:
            number += 1
            way = await visit(client, clip, number)
            ended[way] = ended.get(way, 0) + 1
            if way == "full":
                await asyncio.sleep(1)

    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        print("minute    MiB  threads  descriptors  files    MiB  pages  live", flush=True)

        async def row() -> Held:
            gc.collect()  # of the clients
            now = look((await client.get("/health")).json(), server.pid, folder)
            print(f"{(time.monotonic() - begin) / 60:6.1f}{now}", flush=True)
            return now

        await client.get("/avatars/mara/idle.mp4")
        await row()
        coming = asyncio.gather(*(stream_of_visitors(client) for _ in range(AT_ONCE)))
        rows: list[Held] = []
        every = max(60 * minutes / 10, 20)
        while not coming.done():
            await asyncio.wait([coming], timeout=every)
            rows.append(await row())
        await coming
        await asyncio.sleep(GONE_SECONDS)
        last = await row()
    print(", ".join(f"{count} {way}" for way, count in sorted(ended.items())))
    warm = rows[len(rows) // 3]  # caches are full, and buffers have their size
    flat = {
        "memory": last.memory <= warm.memory + GROWTH_MIB,
        "threads": last.threads <= warm.threads + GROWTH_THREADS,
        "descriptors": last.descriptors <= warm.descriptors + GROWTH_DESCRIPTORS,
        "temporary files": last.files <= warm.files,
        "pages": last.pages == last.live == 0,
    }
    print("; ".join(f"{what} {'flat' if good else 'GREW'}" for what, good in flat.items()))
    return all(flat.values())


def main() -> int:
    """Exit code 1 where something grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    minutes: float = parser.parse_args().minutes
    rtcrtpreceiver.decoder_worker = discard  # pyright: ignore[reportAttributeAccessIssue]
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder, "tmp")
        temporary.mkdir()
        with Server(Path(folder, "log.txt"), "app.py", "--max-visitors", str(PLACES), TMPDIR=str(temporary)) as server:
            good = asyncio.run(soak(server, temporary, minutes))
        said = server.log.read_text()
        print(f"log: {len(said.splitlines())} lines{f', the last: {said.splitlines()[-1]}' if said else ''}")
        print(f"left behind: {len(list(temporary.iterdir()))} folders; exit code {server.exit_code}")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())

"""What a live visitor sees while others abuse the server in every way at once: ``python -m benchmarks.abuse --minutes 5``

The real server, a real connection of aiortc that measures when pictures arrive, and attackers at addresses of their own (as a web
server in front would name them) in a process of low priority, so that they do not take the processor by being busy themselves.
Printed are the new pictures a second, the longest gap, gaps over 200 ms, how often the server said what, its CPU time and memory.
Exit code 1 where there were less than 24 pictures a second or gaps over 200 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import random
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import psutil
import soundfile
from aiortc import RTCPeerConnection, rtcrtpreceiver
from PIL import Image

from benchmarks.visitors import SETTLE_SECONDS, Visitor, cpu_times, discard, entered
from bithuman_core.settings import models_dir, speech_clip
from tests.browser.harness import Server

LEAST_RATE, LONGEST_GAP = 24.0, 0.2  # pictures a second, s
STRETCH = 30  # s
ADDRESSES = 8  # at which attackers sit
SLOW_LINES = 300
PAUSE = 0.05  # s between two requests of one attacker: more would only be attackers who wait for each other

Attack = Callable[[httpx.AsyncClient, random.Random], Awaitable[str]]


def told(name: str, answer: httpx.Response) -> str:
    """What a server said, for the count."""
    return f"{name} {answer.status_code}"


async def flood(client: httpx.AsyncClient, _: random.Random) -> str:
    """Pages are opened, one after the other."""
    return told("visit", await client.post("/visit"))


async def places(client: httpx.AsyncClient, _: random.Random) -> str:
    """Asks for a place, and does not come."""
    visit = await client.post("/visit")
    if visit.status_code != 200:
        return told("place: visit", visit)
    return told("place", await client.post("/visit/place", headers={"X-Visit": visit.json()["visit"]}))


async def offers(client: httpx.AsyncClient, dice: random.Random) -> str:
    """Offers without sound, without sense, or of a connection that never comes."""
    visit = await client.post("/visit")
    if visit.status_code != 200:
        return told("offer: visit", visit)
    sdp = dice.choice(OFFERS)
    if dice.random() < 0.5:
        lines = sdp.splitlines()
        del lines[dice.randrange(len(lines))]
        sdp = "\r\n".join(lines) + "\r\n"
    body = {"type": "offer", "webrtc_id": secrets.token_hex(8), "sdp": sdp}
    answer = await client.post("/webrtc/offer", json=body, headers={"X-Visit": visit.json()["visit"]})
    return told("offer", answer) + (" waits" if "concurrency" in answer.text else "")


OFFERS: list[str] = []


async def make_offers() -> None:
    """Once, before it begins."""
    for kinds in (("video", "audio"), ("audio",), ()):
        peer = RTCPeerConnection()
        peer.createDataChannel("text")
        for kind in kinds:
            peer.addTransceiver(kind)
        await peer.setLocalDescription(await peer.createOffer())
        OFFERS.append(peer.localDescription.sdp)
        await peer.close()


async def upload(client: httpx.AsyncClient, name: str, content: bytes) -> httpx.Response:
    """As gradio_client sends a file."""
    return await client.post("/gradio_api/upload", files={"files": (name, content)})


async def call(client: httpx.AsyncClient, name: str, data: list[Any]) -> httpx.Response:
    """As curl calls an endpoint: joins the queue, and does not wait for the answer."""
    return await client.post(f"/gradio_api/call/{name}", json={"data": data})


async def file_call(client: httpx.AsyncClient, kind: str, content: bytes, name: str, *more: Any) -> str:
    """Uploads a file and has something made of it."""
    sent = await upload(client, kind, content)
    if sent.status_code != 200:
        return told(f"{name}: upload", sent)
    file = {"path": sent.json()[0], "meta": {"_type": "gradio.FileData"}}
    return told(name, await call(client, name, [file, *more]))


async def texts(client: httpx.AsyncClient, _: random.Random) -> str:
    """Texts to be spoken and filmed."""
    return told("speak_text", await call(client, "speak_text", ["A text to be spoken. " * 20, "mara", "en-us", "woman", None]))


async def videos(client: httpx.AsyncClient, _: random.Random) -> str:
    """Videos of a sound file."""
    return await file_call(client, "a.flac", speech_clip().read_bytes(), "speak_file", "theo", None)


async def photos(client: httpx.AsyncClient, dice: random.Random) -> str:
    """Photos that show nobody."""
    pixels = np.asarray([dice.randrange(256) for _ in range(64 * 64 * 3)], np.uint8).reshape(64, 64, 3)
    file = io.BytesIO()
    Image.fromarray(pixels).resize((1600, 1600)).save(file, "JPEG")
    return await file_call(client, "a.jpg", file.getvalue(), "build_avatar", "Me", "I am nobody.", 0)


async def avatars(client: httpx.AsyncClient, dice: random.Random) -> str:
    """Avatar files, sound and damaged."""
    content = bytearray((models_dir() / "erik.imx").read_bytes())
    if dice.random() < 0.7:
        content[dice.randrange(len(content))] ^= 0xFF
    return await file_call(client, "a.imx", bytes(content), "validate")


async def long_sounds(client: httpx.AsyncClient, _: random.Random) -> str:
    """Uploads near the limit, of nothing."""
    file = io.BytesIO()
    soundfile.write(file, np.zeros(20 * 2**20 // 2, np.int16), 48_000, format="WAV")
    return await file_call(client, "long.wav", file.getvalue(), "motion", "csv", "25", 1.0)


async def bodies(client: httpx.AsyncClient, _: random.Random) -> str:
    """Bodies that are too large, of a JSON that is hard to read."""
    json_body = b"[" + b"1," * 60_000 + b"1]"
    return told("body", await client.post("/webrtc/offer", content=json_body, headers={"Content-Type": "application/json"}))


async def pages(client: httpx.AsyncClient, _: random.Random) -> str:
    """The start page, whole."""
    return told("page", await client.get("/"))


SLOW = "slow_lines"
ATTACKS: tuple[Attack, ...] = (flood, places, offers, texts, videos, photos, avatars, long_sounds, bodies, pages)


async def one_attacker(url: str, attack: Attack, number: int, until: float, count: Counter[str]) -> None:
    """One kind of abuse, from one address, again and again."""
    dice, headers = random.Random(number), {"X-Forwarded-For": f"203.0.113.{number % ADDRESSES + 1}"}
    async with httpx.AsyncClient(base_url=url, timeout=60, headers=headers) as client:
        while time.monotonic() < until:
            try:
                count[await asyncio.wait_for(attack(client, dice), max(until - time.monotonic(), 0.1))] += 1
            except (httpx.HTTPError, asyncio.TimeoutError) as error:
                count[f"{attack.__name__} {type(error).__name__}"] += 1
            await asyncio.sleep(PAUSE)


async def slow_line(url: str, number: int, until: float, count: Counter[str]) -> None:
    """A connection that says nothing, or half of something; opened anew when it is closed."""
    half_a_body = b"POST /gradio_api/queue/join HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\n{"
    begun = (b"", b"GET / HTTP/1.1\r\nHost: local", half_a_body)
    while time.monotonic() < until:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(*urlsplit(url).netloc.split(":"))
            writer.write(begun[number % len(begun)])
            with suppress(asyncio.TimeoutError):
                answer = await asyncio.wait_for(reader.read(), max(until - time.monotonic(), 0.1))
                count[f"slow line {answer[9:12].decode() or 'closed'}"] += 1
            writer.close()
        await asyncio.sleep(1)


def attackers(url: str, seconds: float, kinds: list[str], report: Any) -> None:
    """All of them, in a process that has what others leave of the processor: attackers bring machines of their own."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))

    async def all_at_once() -> Counter[str]:
        await make_offers()
        until, count = time.monotonic() + seconds, Counter[str]()
        chosen = [attack for attack in ATTACKS if attack.__name__ in kinds]
        crowd = [one_attacker(url, attack, number, until, count) for number, attack in enumerate(2 * chosen)]
        lines = range(SLOW_LINES if SLOW in kinds else 0)
        await asyncio.gather(*crowd, *(slow_line(url, number, until, count) for number in lines))
        return count

    report.send(asyncio.run(all_at_once()))


def figures(visitor: Visitor, seconds: float) -> tuple[float, float, int]:
    """New pictures a second, the longest gap in s, and how many were over LONGEST_GAP."""
    gaps = np.diff(visitor.pictures)
    rate = len(visitor.pictures) / seconds * float(np.mean(visitor.fresh))
    return rate, float(gaps.max(initial=0)), int((gaps > LONGEST_GAP).sum())


def course(visitor: Visitor, began: float, seconds: float) -> str:
    """Pictures a second, new or not, in each stretch of STRETCH seconds."""
    counts = np.histogram(visitor.pictures, np.arange(began, began + seconds + 1, STRETCH))[0]
    return " ".join(f"{count / STRETCH:.1f}" for count in counts)


async def watch(url: str, process: psutil.Process, seconds: float, kinds: list[str]) -> bool:
    """Live, undisturbed and then not; prints the table. Whether it was good enough."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        visitor = (await entered(client, 1))[0]
        await asyncio.sleep(SETTLE_SECONDS)
        good = True
        for abused in (False, True):
            listening, report = get_context("spawn").Pipe(duplex=False)
            attack = get_context("spawn").Process(target=attackers, args=(url, seconds + SETTLE_SECONDS, kinds, report))
            if abused:
                attack.start()
                await asyncio.sleep(SETTLE_SECONDS)
            visitor.forget()
            lasts = seconds if abused else min(seconds, 15)
            before, began = cpu_times(process)[0], time.monotonic()
            peak = 0
            while time.monotonic() < began + lasts:
                await asyncio.sleep(0.5)
                peak = max(peak, process.memory_info().rss)
            took = time.monotonic() - began
            rate, longest, over = figures(visitor, took)
            cpu = (cpu_times(process)[0] - before) / took
            print(f"{'abused' if abused else 'alone':7s} {took:4.0f} s: {rate:5.2f} new pictures a second, "
                  f"longest gap {1000 * longest:.0f} ms, {over} over {1000 * LONGEST_GAP:.0f} ms; "
                  f"server {100 * cpu:.0f} % of a core, {peak / 2**20:.0f} MiB at most", flush=True)  # fmt: skip
            if abused:
                print(f"  pictures a second, {STRETCH} s each: {course(visitor, began, took)}")
                good = rate >= LEAST_RATE and not over
                count: Counter[str] = await asyncio.to_thread(listening.recv)
                attack.join()
                for what, times in sorted(count.items()):
                    print(f"  {what:32s} {times}")
        await visitor.leave()
        health = (await client.get("/health")).json()
        print(f"  afterwards: {json.dumps(health)}; {process.num_fds()} files open, {process.num_threads()} threads")
    return good


def ends(log: str) -> list[str]:
    """The last line of every traceback in a log: the first one after it that is not indented."""
    return [next((line for line in part.splitlines()[1:] if line[:1].strip()), "") for part in log.split("Traceback")[1:]]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5, help="how long the abuse lasts")
    kinds = [*(attack.__name__ for attack in ATTACKS), SLOW]
    parser.add_argument("--only", nargs="+", choices=kinds, default=kinds, help="these kinds of abuse alone")
    given = parser.parse_args()
    rtcrtpreceiver.decoder_worker = discard  # pyright: ignore[reportAttributeAccessIssue]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.txt"
        with Server(log, "app.py", "--max-visitors", "3") as server:
            good = asyncio.run(watch(server.url, psutil.Process(server.pid), 60 * given.minutes, given.only))
        written = log.read_text()
        print(f"  the server's log: {len(written.splitlines())} lines, {written.count('Traceback')} tracebacks")
        for says, number in Counter(ends(written)).most_common():
            print(f"    {number} end with {says[:200]}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

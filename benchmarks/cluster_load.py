"""A process with places that has one core for itself: what its visits get from it, and what each of them costs."""

from __future__ import annotations

import asyncio
import os
import queue
import threading
import time
from contextlib import suppress
from typing import Any

import numpy as np
import psutil

from benchmarks.visitors import cpu_times
from tests.cluster.nodes import House
from tests.cluster.visitor import Visitor

SETTLE = 5.0  # s
SECONDS = 30.0
MIB = 2**20
TEXT = "A sentence is said here which takes some five seconds, and is said again and again. "


class Guest(Visitor):
    """Receives without decoding, so that it costs little itself. ``arrivals``: when each picture's first packet came, s."""

    def __init__(self, url: str, code: str) -> None:
        super().__init__(url, code)
        self.arrivals: list[float] = []
        self._stamp: int | None = None

    @property
    def fresh(self) -> float:
        """The part of the pictures that are new ones, as the server says once a second."""
        return float(np.mean([said["data"]["fresh"] for said in self.messages if said["type"] == "stats"]))

    def _look_at(self, receiver: Any) -> None:
        handle = receiver._handle_rtp_packet

        async def note(packet: Any, arrival_time_ms: int) -> None:
            if packet.timestamp != self._stamp and packet.payload:
                self._stamp = packet.timestamp
                self.arrivals.append(time.monotonic())
                self._news.set()
            await handle(packet, arrival_time_ms=arrival_time_ms)

        receiver._handle_rtp_packet = note

    async def _live(self) -> None:
        await self.until(lambda: bool(self.arrivals) and self._channel.readyState == "open")


def skip(
    loop: asyncio.AbstractEventLoop, arriving: queue.Queue[Any], decoded: asyncio.Queue[Any], _fault: threading.Event
) -> None:
    """In the place of aiortc's decoder: only the end of a track is told."""
    while arriving.get() is not None:
        pass
    asyncio.run_coroutine_threadsafe(decoded.put(None), loop)


async def load(home: House, most: int, fewest: int = 1) -> None:
    """Of so many visits at once in one process: new pictures a second of the worst, gaps between pictures, cores of each, the
    process's memory, and what each further visit adds to that of the first.

    All of them speak. The process is pinned to the machine's last core; visitors, Ray and the database have what is left.
    """
    ((number, _),) = home.nodes.stages().values()
    process = psutil.Process(number)
    _pin(process, max(os.sched_getaffinity(0)))
    guests, alone = list[Guest](), 0.0
    print(f"{'visits':>8s}{'new pictures/s':>16s}{'gap ms, p50':>13s}{'p99':>6s}{'longest':>9s}{'cores each':>12s}{'MiB':>7s}"
          f"{'each further':>14s}")  # fmt: skip
    for visits in range(1, most + 1):
        guests.append(Guest(home.nodes.url, home.code))
        await guests[-1].come()
        if visits < fewest:
            continue
        async with home.owner() as owner:
            await owner.post(f"/v1/agent/{home.code}/speak", json={"message": 9 * TEXT})
        await asyncio.sleep(SETTLE)
        for guest in guests:
            guest.arrivals.clear()
            guest.messages.clear()
        (cpu, _), began = cpu_times(process), time.monotonic()
        await asyncio.sleep(SECONDS)
        cores, took = (cpu_times(process)[0] - cpu) / (time.monotonic() - began) / visits, time.monotonic() - began
        gaps = 1000 * np.concatenate([np.diff(guest.arrivals) for guest in guests])
        p50, p99 = np.percentile(gaps, [50, 99])
        rate = min(len(guest.arrivals) / took * guest.fresh for guest in guests)
        mib = process.memory_full_info().uss / MIB
        alone = alone or mib
        each = (mib - alone) / max(visits - fewest, 1)
        print(f"{visits:8d}{rate:16.2f}{p50:13.0f}{p99:6.0f}{gaps.max():9.0f}{cores:12.3f}{mib:7.0f}{each:14.1f}", flush=True)
    for guest in guests:
        await guest.leave()


def _pin(process: psutil.Process, core: int) -> None:
    """All its threads; later ones inherit it."""
    for thread in process.threads():
        with suppress(ProcessLookupError):
            os.sched_setaffinity(thread.id, {core})

"""The kill table of a cluster: parts of it are killed while somebody depends on them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from tests.cluster.nodes import House, job_processes, kill, until
from tests.cluster.room_visit import RoomVisit
from tests.cluster.visitor import Visitor
from tests.livekit.server import LiveKit

PACKETS = 50  # of sound a second
TEXT = "A short sentence is said here, so that the video has some five seconds. "
HEADING = f"{'killed':40s}{'times':>6s}{'lost':>6s}{'s, median':>11s}{'p95':>7s}{'longest':>9s}"

Gap = Callable[[House, LiveKit], Awaitable[float | None]]


def _visit(killing: Callable[[House, Visitor], Awaitable[None]]) -> Gap:
    async def gap(home: House, _: LiveKit) -> float | None:
        visitor = home.visitor()
        await visitor.come_in()
        visitor.stay()
        await asyncio.sleep(1)
        heard = len(visitor.sound)
        await killing(home, visitor)
        try:
            await visitor.until(lambda: bool(visitor.gaps) or len(visitor.sound) > heard + 4 * PACKETS)
            return sum(visitor.gaps)
        except asyncio.TimeoutError:
            return None
        finally:
            await visitor.leave()

    return gap


async def _process(home: House, visitor: Visitor) -> None:
    kill(home.nodes.showing(visitor)[0])


async def _node(home: House, visitor: Visitor) -> None:
    home.nodes.kill(home.nodes.showing(visitor)[1])
    home.nodes.workers.append(await asyncio.to_thread(home.nodes.add))


async def _controller(home: House, _: Visitor) -> None:
    kill(home.nodes.controller())


async def _answering(home: House, _: Visitor) -> None:
    for process, _node in home.nodes.ingresses().values():
        kill(process)


async def _room(home: House, livekit: LiveKit) -> float | None:
    async with RoomVisit(home, livekit) as visit:
        await visit.sees(25)
        kill(visit.process())
        began = time.monotonic()
        try:
            await visit.seen_anew()
        except asyncio.TimeoutError:
            return None
        return time.monotonic() - began


async def _job(home: House, _: LiveKit) -> float | None:
    """Until another process does it; lost: it never got done."""
    async with home.owner() as owner:
        answer = await owner.post("/v1/video/generate", json={"agent_id": home.code, "text": TEXT})
        number = answer.json()["video_id"]
        (first,) = await until(job_processes, "it is begun")
        kill(first.pid)
        began = time.monotonic()
        await until(lambda: [process for process in job_processes() if process.pid != first.pid], "it is begun again")
        gap, status = time.monotonic() - began, "processing"
        while status in ("processing", "generating"):
            await asyncio.sleep(0.2)
            status = (await owner.get(f"/v1/video/status/{number}")).json()["data"]["status"]
    return gap if status == "ready" else None


KINDS: dict[str, Gap] = {
    "a visit's process": _visit(_process),
    "its node": _visit(_node),
    "Serve's controller": _visit(_controller),
    "all processes that answer": _visit(_answering),
    "the process of an avatar in a room": _room,
    "the process of a job": _job,
}


async def gap_of(home: House, livekit: LiveKit, kind: str) -> float | None:
    """Kill something: s until whoever depends on it has it again (0: nobody noticed); None: it was lost."""
    await until(home.nodes.whole, "all are there")
    return await KINDS[kind](home, livekit)


def row(kind: str, gaps: Sequence[float | None]) -> str:
    """Of the table."""
    known = [gap for gap in gaps if gap is not None]
    p50, p95 = np.percentile(known, [50, 95]) if known else (np.nan, np.nan)
    return f"{kind:40s}{len(gaps):6d}{gaps.count(None):6d}{p50:11.2f}{p95:7.2f}{max(known, default=np.nan):9.2f}"

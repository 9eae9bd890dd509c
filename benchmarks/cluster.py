"""A cluster's figures: ``python -m benchmarks.cluster [--kills 20] [--load 6] [--jobs] [--simulate]``.

Four nodes of Ray (the head, two with places, one to spare), a PostgreSQL and a livekit-server run on this machine, with visitors
of aiortc that come again where their server dies. Printed: ms until a visit is admitted (asked to first picture), and the kill
table (s until whoever depended on what was killed had it again).

Each of the others runs alone. --load: what visits get and cost in a process that has one core for itself; --jobs: videos a minute
on 1, 2 and 3 nodes; --simulate: what 100 to 10,000 visitors need by a model of these figures.

On a machine whose cores are shared by all of it the times are upper bounds.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from aiortc import rtcrtpreceiver

from benchmarks.cluster_kills import HEADING, KINDS, gap_of, row
from benchmarks.cluster_load import load, skip
from benchmarks.cluster_model import Costs, simulate
from tests.cluster.nodes import House, house
from tests.livekit.server import SERVER, LiveKit, serving

# Measured by this script on two cores that carried visitors, database and all nodes as well; cores by benchmarks/visitors.py.
MEASURED = Costs(cores=0.29, process_mib=525, visit_mib=23, start_seconds=12, recovery_seconds=2.0)
VIDEOS = 12
TEXT = "A short sentence is said here, so that the video has some five seconds. "


async def admitted(home: House, rounds: int) -> None:
    """Time until a visitor is live."""
    times = []
    for _ in range(rounds):
        visitor = home.visitor()
        began = time.perf_counter()
        await visitor.come()
        times.append(1000 * (time.perf_counter() - began))
        await visitor.leave()
        await asyncio.sleep(1)
    print(f"time to admit, ms: median {np.median(times):.0f}, p95 {np.percentile(times, 95):.0f} of {rounds}", flush=True)


async def kills(home: House, livekit: LiveKit, kinds: Iterable[str], times: int) -> None:
    """The kill table."""
    print(f"\n{HEADING}")
    for kind in kinds:
        print(row(kind, [await gap_of(home, livekit, kind) for _ in range(times)]), flush=True)


async def jobs(home: House, nodes: int) -> None:
    """Videos a minute."""
    async with home.owner() as asking:
        began = time.monotonic()
        numbers = [
            (await asking.post("/v1/video/generate", json={"agent_id": home.code, "text": TEXT})).json()["video_id"]
            for _ in range(VIDEOS)
        ]
        for number in numbers:
            status = "processing"
            while status in ("processing", "generating"):
                await asyncio.sleep(0.2)
                status = (await asking.get(f"/v1/video/status/{number}")).json()["data"]["status"]
            assert status == "ready", status
    print(f"{f'videos of 5 s a minute, {nodes} nodes':44s}{60 * VIDEOS / (time.monotonic() - began):8.1f}", flush=True)


def needed() -> None:
    """The model's table."""
    named = ("visitors", "most", "processes", "cores", "GiB", "no place", "time lost", "writes/s")
    print("".join(f"{name:>10s}" for name in named))
    for visitors in (100, 1000, 10_000):
        told = simulate(visitors, MEASURED)
        print(
            f"{told.visitors:10d}{told.most:10d}{told.processes:10d}{told.cores:10.0f}{told.memory_gib:10.0f}"
            f"{told.turned_away:10.2%}{told.lost:10.5%}{told.writes:10.0f}"
        )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=5, help="of each kind")
    parser.add_argument("--only", nargs="+", choices=KINDS, help="some kinds of them, and nothing else")
    parser.add_argument("--load", type=int, metavar="VISITS", help="up to so many visits in a process that has one core, alone")
    parser.add_argument("--jobs", action="store_true", help="jobs a minute alone")
    parser.add_argument("--simulate", action="store_true", help="the model alone")
    arguments = parser.parse_args()
    if arguments.simulate:
        needed()
    elif arguments.jobs:
        for nodes in (1, 2, 3):
            with house(nodes, cpus=3, places=1, job_cpus=1.0, jobs=nodes) as home:
                asyncio.run(jobs(home, nodes))
    elif arguments.load:
        rtcrtpreceiver.decoder_worker = skip  # pyright: ignore[reportAttributeAccessIssue]
        with house(1, places=arguments.load) as home:
            asyncio.run(load(home, arguments.load))
    else:
        with house(workers=2, places=3, ingresses=2) as home, rooms() as livekit:
            if not arguments.only:
                asyncio.run(admitted(home, 20))
            asyncio.run(kills(home, livekit, arguments.only or KINDS, arguments.kills))


@contextmanager
def rooms() -> Iterator[LiveKit]:
    """A livekit-server."""
    program = SERVER.find()
    if program is None:
        raise SystemExit(SERVER.missing)
    with tempfile.TemporaryDirectory() as folder, serving(program, Path(folder)) as server:
        yield server


if __name__ == "__main__":
    main()

"""A cluster's figures: ``python -m benchmarks.cluster [--kills 20] [--jobs] [--simulate]``.

Four nodes of Ray (the head, two with places, one to spare) and a PostgreSQL run on this machine, with visitors of aiortc that
come again where their server dies. Printed: ms until a visit is admitted (asked to first picture), MiB of a live visit, and the
kill table (s that visitors saw and heard nothing); with --jobs videos a minute on 1, 2 and 3 nodes; with --simulate,
which runs nothing else, what 100 to 10,000 visitors need by a model of these figures. On a machine whose cores are shared by all
of it the times are upper bounds.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

import httpx
import numpy as np
import psutil

from benchmarks.cluster_model import Costs, simulate
from tests.cluster.nodes import House, house, kill, until
from tests.cluster.visitor import Visitor

# Measured by this script on two cores that carried visitors, database and all nodes as well; cores by benchmarks/visitors.py.
MEASURED = Costs(cores=0.29, process_mib=512, visit_mib=26, start_seconds=12, recovery_seconds=2.0)
SETTLE = 3.0  # s
PACKETS = 50  # of sound a second
MIB = 2**20
VIDEOS = 12
TEXT = "A short sentence is said here, so that the video has some five seconds. "


def owner(home: House) -> httpx.AsyncClient:
    """Asks with a secret."""
    return httpx.AsyncClient(base_url=home.nodes.url, headers={"api-secret": home.secret}, timeout=60, trust_env=False)


async def admitted(home: House, rounds: int) -> None:
    """Time until a visitor is live, and what it costs."""
    times, here = [], list[Visitor]()
    for _ in range(rounds):
        visitor = home.visitor()
        began = time.perf_counter()
        await visitor.come()
        times.append(1000 * (time.perf_counter() - began))
        await visitor.leave()
        await asyncio.sleep(1)
    empty = {process: psutil.Process(process).memory_full_info().uss for process, _ in home.nodes.stages().values()}
    for _ in range(home.nodes.plan.places * len(empty)):
        here.append(home.visitor())
        await here[-1].come()
    number, visits = home.nodes.showing(here[0])[0], home.nodes.plan.places
    process = psutil.Process(number)
    async with owner(home) as asking:  # all of them speak meanwhile
        await asking.post(f"/v1/agent/{home.code}/speak", json={"message": 8 * TEXT})
    await asyncio.sleep(SETTLE)
    memory = process.memory_full_info().uss
    print(f"{'time to admit, ms (median, p95)':44s}{np.median(times):8.0f}{np.percentile(times, 95):8.0f}")
    print(f"{'MiB of a process that has shown some':44s}{empty[number] / MIB:8.0f}")
    print(f"{'MiB of a further visit':44s}{(memory - empty[number]) / MIB / visits:8.0f}", flush=True)
    for visitor in here:
        await visitor.leave()


async def _worker(home: House, visitor: Visitor) -> None:
    kill(home.nodes.showing(visitor)[0])


async def _node(home: House, visitor: Visitor) -> None:
    home.nodes.kill(home.nodes.showing(visitor)[1])
    home.nodes.workers.append(await asyncio.to_thread(home.nodes.add))


async def _controller(home: House, visitor: Visitor) -> None:
    kill(home.nodes.controller())


async def _answering(home: House, visitor: Visitor) -> None:
    for process, _ in home.nodes.ingresses().values():
        kill(process)


KINDS: dict[str, Callable[[House, Visitor], Awaitable[None]]] = {
    "process with places": _worker, "node": _node, "Serve's controller": _controller, "those that answer": _answering,
}  # fmt: skip


async def gaps_of(home: House, kind: str) -> float | None:
    """Kill something in the middle of a visit: s that its visitor saw and heard nothing; None: it never came back."""
    await until(home.nodes.whole, "all are there")
    visitor = home.visitor()
    await visitor.come()
    visitor.stay()
    await asyncio.sleep(1)
    heard = len(visitor.sound)
    await KINDS[kind](home, visitor)
    try:
        await visitor.until(lambda: bool(visitor.gaps) or len(visitor.sound) > heard + 4 * PACKETS)
        return sum(visitor.gaps)
    except asyncio.TimeoutError:
        return None
    finally:
        await visitor.leave()


async def kills(home: House, kinds: Iterable[str], times: int) -> None:
    """The kill table."""
    print(f"\n{'killed':28s}{'times':>6s}{'visits lost':>12s}{'s, median':>11s}{'p95':>7s}{'longest':>9s}")
    for kind in kinds:
        gaps = [await gaps_of(home, kind) for _ in range(times)]
        known = [gap for gap in gaps if gap is not None]
        p50, p95 = np.percentile(known, [50, 95]) if known else (np.nan, np.nan)
        print(f"{kind:28s}{times:6d}{gaps.count(None):12d}{p50:11.2f}{p95:7.2f}{max(known, default=np.nan):9.2f}", flush=True)


async def jobs(home: House, nodes: int) -> None:
    """Videos a minute."""
    async with owner(home) as asking:
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
    parser.add_argument("--only", choices=KINDS, help="one kind of them, and nothing else")
    parser.add_argument("--jobs", action="store_true", help="jobs a minute alone")
    parser.add_argument("--simulate", action="store_true", help="the model alone")
    arguments = parser.parse_args()
    if arguments.simulate:
        needed()
    elif arguments.jobs:
        for nodes in (1, 2, 3):
            with house(nodes, cpus=3, places=1, job_cpus=1.0, jobs=nodes) as home:
                asyncio.run(jobs(home, nodes))
    else:
        with house(workers=2, places=3, ingresses=2) as home:
            if not arguments.only:
                asyncio.run(admitted(home, 6))
            asyncio.run(kills(home, [arguments.only] if arguments.only else KINDS, arguments.kills))


if __name__ == "__main__":
    main()

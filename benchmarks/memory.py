"""Memory of the server: ``python -m benchmarks.memory``: idle, with one live visitor, while an avatar is made of a photo.

With ``--limit MIB`` the server may have no more than that, as in a container (Linux, cgroups, as root): did it live?
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
from aiortc import rtcrtpreceiver
from gradio_client import Client, handle_file

from benchmarks.visitors import discard, entered
from bithuman_core.demo.memory import PHOTO_MIB
from tests.browser.harness import ROOT, Server

MIB = 2**20
PHOTO = ROOT / "tests" / "data" / "astronaut.jpg"
LIVE_SECONDS = 10.0
GROUPS = Path("/sys/fs/cgroup")


def family(pid: int) -> list[psutil.Process]:
    """The server and the processes that it started."""
    server = psutil.Process(pid)
    return [server, *server.children(recursive=True)]


def resident(pid: int) -> float:
    """MiB of memory of its own; pages that processes share count in parts."""
    total = 0.0
    for process in family(pid):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().pss / MIB
    return total


async def highest(pid: int, working: asyncio.Future[None]) -> float:
    """MiB at most while something goes on."""
    most = 0.0
    while not working.done():
        most = max(most, resident(pid))
        await asyncio.wait([working], timeout=0.1)
    working.result()
    return most


async def measure(server: Server, limit: int | None) -> None:
    """Print the table."""
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        for avatar in ("mara", "theo", "erik"):
            (await client.get(f"/avatars/{avatar}/idle.mp4")).raise_for_status()
        print(f"  idle, all films made          {resident(server.pid):6.0f} MiB", flush=True)
        crowd = await entered(client, 1)
        print(f"  one live visitor, at most     {await highest(server.pid, lasting(LIVE_SECONDS)):6.0f} MiB", flush=True)
        if limit is not None and limit < PHOTO_MIB:
            print("  avatars from photos are off   (too little memory)")
        else:
            building = asyncio.ensure_future(asyncio.to_thread(build, server.url))
            print(f"  an avatar from a photo, too   {await highest(server.pid, building):6.0f} MiB", flush=True)
        await asyncio.gather(*(visitor.leave() for visitor in crowd))
        await asyncio.sleep(5)
        print(f"  idle again                    {resident(server.pid):6.0f} MiB", flush=True)


def lasting(seconds: float) -> asyncio.Future[None]:
    """Some seconds."""
    return asyncio.ensure_future(asyncio.sleep(seconds))


def build(url: str) -> None:
    """Have an avatar made."""
    client = Client(url, verbose=False, download_files=tempfile.gettempdir())
    client.predict(handle_file(PHOTO), "Ada", "NASA, public domain", api_name="/build_avatar")


@contextmanager
def limited(mib: int | None) -> Iterator[Callable[[], None]]:
    """What puts this process, and what it then starts, into a group that may have so much memory; None: all there is."""
    if mib is None:
        yield lambda: None
        return
    new = (GROUPS / "cgroup.controllers").exists()  # version 2
    group = (GROUPS if new else GROUPS / "memory") / "bithuman-benchmark"
    group.mkdir()
    if new:
        (GROUPS / "cgroup.subtree_control").write_text("+memory")
    (group / ("memory.max" if new else "memory.limit_in_bytes")).write_text(str(mib * MIB))
    try:
        yield lambda: void(group.joinpath("cgroup.procs").write_text("0"))
    finally:
        group.rmdir()


def void(_: object) -> None:
    """Nothing."""


def main() -> int:
    """Exit code 1 where the server died."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, metavar="MIB", help="as of a container")
    limit: int | None = parser.parse_args().limit
    rtcrtpreceiver.decoder_worker = discard  # pyright: ignore[reportAttributeAccessIssue]
    with tempfile.TemporaryDirectory() as folder, limited(limit) as prepare:
        server = Server(Path(folder) / "log.txt", "app.py", "--max-visitors", "1", prepare=prepare)
        with server:
            print(f"memory of the server{f', {limit} MiB allowed' if limit else ''}:")
            asyncio.run(measure(server, limit))
        print(f"  it ended with exit code {server.exit_code}")
        return int(server.exit_code != 0)


if __name__ == "__main__":
    sys.exit(main())

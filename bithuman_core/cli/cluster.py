"""``serve --cluster``: the service on a cluster of Ray."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from socket import create_server
from types import FrameType
from typing import TYPE_CHECKING

from bithuman_core.cli.common import say
from bithuman_core.cluster_address import AUTO, host_and_port
from bithuman_core.errors import Failed

if TYPE_CHECKING:
    from bithuman_core.service.data.database import Database

MISSING = "A cluster needs Ray Serve and FastRTC: pip install 'bithuman-core[cluster]'."
GOES_ON = "It goes on without this command: say it again for another version, which waits for visits, or `serve shutdown`."


@dataclass(frozen=True, slots=True)
class Size:
    """What the command line says of how large it is; None: as large as the machines allow."""

    places: int | None
    workers: int
    most_workers: int | None


def check_cluster(address: str) -> None:
    """Whether there can be a cluster, and what a cluster needs is installed. Raises Failed."""
    if address != AUTO:
        host_and_port(address)
    if find_spec("ray") is None or find_spec("fastrtc") is None:
        raise Failed(MISSING)


def serve_in_cluster(
    address: str, database: Database, storage: str, size: Size, note: Callable[[], None], *,
    url: str, host: str, port: int, hosts: tuple[str, ...], fetch_from: tuple[str, ...], seconds: float,
) -> None:  # fmt: skip
    """Start the service in a cluster; one that was started for it ends with this command. Raises Failed."""
    from bithuman_core.cluster import starting
    from bithuman_core.cluster.plan import PLACES, Plan

    new = starting.join(address)
    try:
        if new:
            _check_free(host, port)
        most = size.most_workers or max(size.workers, starting.cores())
        plan = Plan(
            url, storage, host, port, hosts, fetch_from, size.places or PLACES, size.workers, most, seconds=seconds,
            ingresses=starting.machines(),
        )  # fmt: skip
        starting.check_reach(plan)
        note()
        database.close()
        starting.deploy(plan)
        say(f"Ready: http://{host}:{port}/v1 on {starting.machines()} machines. {'Ctrl+C ends it.' if new else GOES_ON}")
        if new:
            _wait_for_the_end()
    finally:
        starting.end(new)


def _check_free(host: str, port: int) -> None:
    try:
        create_server((host, port)).close()
    except OSError as error:
        raise Failed(f"Nothing can listen on {host}:{port} ({error.strerror}): choose another --port or --host.") from error


def _wait_for_the_end() -> None:
    over = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        over.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    while not over.wait(1.0):  # so that signals are looked at
        pass

"""Work beside the live sessions: what takes seconds (a video, an avatar from a photo) one at a time with its progress, and short
checks of what visitors bring.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bithuman_core.demo.refusal import Refusal
from bithuman_core.errors import BithumanError

logger = logging.getLogger(__name__)

NICENESS = 15  # of the working thread: those who are live come first
BROKE = "That did not work because of a fault of the server; its log tells more."

Report = Callable[[str, float], None]  # (name of the stage, share of the whole that is done, 0..1)


class JobCancelled(Exception):
    """The visitor has gone; raised out of the report."""


def _be_nice() -> None:
    if sys.platform == "linux":  # where a thread has a priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


class Jobs:
    """One worker with a short line in front of it, and one for what is quick."""

    def __init__(self, waiting: int) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="job", initializer=_be_nice)
        self._quick = ThreadPoolExecutor(1, thread_name_prefix="check", initializer=_be_nice)
        self._waiting = waiting
        self._count = 0

    async def call(self, work: Callable[[], Any]) -> Any:
        """The result of short work."""
        return await asyncio.get_running_loop().run_in_executor(self._quick, work)

    def check(self) -> None:
        """Raises Refusal where too many wait."""
        if self._count > self._waiting:
            raise Refusal(503, "The server has its hands full with other visitors' videos and avatars: try again in a minute.")

    async def run(self, work: Callable[[Report], dict[str, Any]]) -> AsyncIterator[bytes]:
        """Do the work and tell how it goes, one JSON object a line.

        ``{"stage": name, "share": 0..1}`` while it goes on, at last either what ``work(report)`` returned as ``{"done": ...}``
        or ``{"error": sentence}``. Where nobody listens any more, the work ends at its next report.
        """
        loop = asyncio.get_running_loop()
        lines: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        cancelled = threading.Event()

        def report(stage: str, share: float) -> None:
            if cancelled.is_set():
                raise JobCancelled
            loop.call_soon_threadsafe(lines.put_nowait, {"stage": stage, "share": round(min(max(share, 0.0), 1.0), 3)})

        def do() -> dict[str, Any]:
            report("starting", 0.0)
            return work(report)

        self._count += 1
        try:
            if self._count > 1:
                yield _line({"stage": "waiting for another visitor's work", "share": 0.0})
            future = loop.run_in_executor(self._pool, do)
            future.add_done_callback(lambda _: lines.put_nowait(None))
            while (line := await lines.get()) is not None:
                yield _line(line)
            yield _line(_outcome(future))
        finally:
            cancelled.set()
            self._count -= 1

    def close(self) -> None:
        """Begin nothing more."""
        for pool in (self._pool, self._quick):
            pool.shutdown(wait=False, cancel_futures=True)


def _outcome(future: asyncio.Future[dict[str, Any]]) -> dict[str, Any]:
    error = future.exception()
    if error is None:
        return {"done": future.result()}
    if isinstance(error, BithumanError):
        return {"error": error.message}
    if isinstance(error, Refusal):
        return {"error": error.sentence}
    logger.error("A job broke.", exc_info=error)
    return {"error": BROKE}


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode() + b"\n"

"""A server that ends when it is told to: in time, on a busy machine too, and with exit code 0."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from socket import socket
from types import FrameType
from typing import NoReturn

import uvicorn

from bithuman_core.demo.jobs import JobCancelled
from bithuman_core.low_priority import wait_for_nice_threads

LAST_SECONDS = 3.0  # for work of low priority to stop
GRACE_SECONDS = 1  # for requests that go on when the server is to end


class EndingServer(uvicorn.Server):
    """Ends long work first where it is to end: who waits for a video waits no longer, and what then is cut off is no fault."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], end_work: Callable[[], None]) -> None:
        """ready: called when requests are taken. end_work: begins nothing more, and ends what is begun."""
        super().__init__(config)
        config.timeout_graceful_shutdown = GRACE_SECONDS
        self._ready, self._end_work = ready, end_work

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """End all requests."""
        for name in ("uvicorn.error", "concurrent.futures"):
            logging.getLogger(name).addFilter(_is_a_fault)
        # From here on nobody is made to hand Python's lock over: a thread of low priority may take a second to give it back.
        sys.setswitchinterval(LAST_SECONDS)
        self._end_work()
        await super().shutdown(sockets)

    def run_and_exit(self, listener: socket, clean_up: Callable[[], None] = lambda: None) -> NoReturn:
        """Serve until SIGINT or SIGTERM, clean up, and end the process."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._end)  # one that comes early; the others uvicorn takes, and raises again at its end
        self.run([listener])
        clean_up()
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        wait_for_nice_threads(LAST_SECONDS)
        os._exit(0)  # not sys.exit, which waits for all threads without end, and a container is killed after 10 s

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self.should_exit = True


def _is_a_fault(record: logging.LogRecord) -> bool:
    """Whether it is anything but a request or a job that was cut off at the end."""
    error = record.exc_info[1] if record.exc_info else None
    cut_off = False
    while error is not None and not cut_off:  # a video that was cut off cannot be closed, its folder is gone
        cut_off = isinstance(error, (asyncio.CancelledError, JobCancelled))
        error = error.__context__
    return not cut_off and "timeout graceful shutdown exceeded" not in record.getMessage()

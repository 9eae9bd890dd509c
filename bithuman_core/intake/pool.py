"""A few processes that read foreign files side by side: one that hangs keeps nobody else waiting."""

from __future__ import annotations

import asyncio
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

from bithuman_core.errors import IntakeError
from bithuman_core.intake.allowance import Allowance
from bithuman_core.intake.process import CLOSED, ReadingProcess, Report
from bithuman_core.intake.turns import Turns

MOST = 3  # files that are read at once
SPARE = 1  # processes that wait for the next file; others end
SOON = 0.5  # s in which most files are read: who comes meanwhile waits so long before another process is started
GOING = 0.5  # s that all of them together are given to go when the pool is closed
Job = Callable[..., tuple[dict[str, Any], bytes]]


def unheard(stage: str, share: float) -> None:
    """A report to nobody."""


class ReadingPool:
    """Runs jobs in processes of their own, each within its allowance.

    A job is a function of a module that is called there with a report (stage, share) and keyword arguments that JSON can hold,
    and that returns (facts that JSON can hold, bytes). A process that was ended is replaced.
    """

    def __init__(self, modules: Sequence[str] = (), most: int = MOST) -> None:
        """modules: what every process imports before its first job. None is started yet."""
        self._modules, self._most = modules, most
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="intake")
        self._lock = threading.Condition()  # notified when a process is free
        self._turns = Turns()
        self._idle: list[ReadingProcess] = []
        self._busy: list[ReadingProcess] = []
        self._closed = False
        self._ending, self._tell_ending = os.pipe()
        weakref.finalize(self, os.close, self._ending)

    @property
    def processes(self) -> list[int]:
        """The numbers of the processes that live."""
        with self._lock:
            return [process.pid for process in (*self._idle, *self._busy) if process.alive]

    def start(self) -> None:
        """Begin a process now, so that the first file need not wait for it."""
        with self._lock:
            self._refill()

    async def read(self, job: Job, allowance: Allowance, owner: str, **given: Any) -> tuple[dict[str, Any], bytes]:
        """As :meth:`run`, in a thread. Of one ``owner`` (whoever sent the file) one file is read at a time, in their order.

        Who comes while ``most`` files are being read waits for one of them. Raises what ``run`` does.
        """
        async with self._turns.of(owner):
            if self._closed:
                raise IntakeError(CLOSED)
            return await asyncio.get_running_loop().run_in_executor(self._threads, partial(self.run, job, allowance, **given))

    def run(self, job: Job, allowance: Allowance, report: Report = unheard, **given: Any) -> tuple[dict[str, Any], bytes]:
        """(facts, bytes) of a job; blocks.

        Raises what the job raises of our errors, OSError, and IntakeError for a file that takes more than its allowance, or that
        the process does not survive. Where ``report`` raises, the job is ended.
        """
        process = self._take()
        try:
            return process.run(f"{job.__module__}:{job.__qualname__}", given, allowance, report)
        finally:
            self._give_back(process)

    def close(self) -> None:
        """End all of them, at once. On a busy machine one may take seconds to go: it is of low priority, and not waited for."""
        with self._lock:
            if not self._closed:
                os.close(self._tell_ending)
            self._closed = True
            self._lock.notify_all()
            idle, self._idle = self._idle, []
            ending = [*idle, *self._busy]  # whoever waits for one is told
            for process in ending:
                process.kill()
        end = time.monotonic() + GOING
        for process in ending:
            process.wait(max(end - time.monotonic(), 0))
        for process in idle:
            if not process.alive:
                process.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _refill(self) -> None:
        if not self._closed and not self._idle:
            self._idle.append(ReadingProcess(self._modules, self._ending))

    def _take(self) -> ReadingProcess:
        with self._lock:
            self._lock.wait_for(lambda: self._idle or self._closed or not self._busy, SOON)
            if self._closed:
                raise IntakeError(CLOSED)
            while self._idle:
                process = self._idle.pop()
                if process.alive:
                    break
                process.close()
            else:
                process = ReadingProcess(self._modules, self._ending)
            self._busy.append(process)
            return process

    def _give_back(self, process: ReadingProcess) -> None:
        with self._lock:
            self._busy.remove(process)
            self._lock.notify_all()
            if self._closed:
                process.kill()  # and not waited for
                return
            if process.alive and len(self._idle) < SPARE:
                self._idle.append(process)
                return
            with suppress(IntakeError):  # the next file tries again, and says so
                self._refill()
        process.close()

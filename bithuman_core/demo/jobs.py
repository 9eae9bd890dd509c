"""Work beside the live sessions, in threads of low priority: those who are live come first."""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bithuman_core.low_priority import be_nice

VOICES = 2  # that speak at once

Report = Callable[[str, float], None]  # (name of the stage, share of the whole that is done, 0..1)
T = TypeVar("T")


class JobCancelled(Exception):
    """Nobody waits for it any more, or the server ends; raised out of the report."""


class Jobs:
    """One thread for what takes seconds (a video, an avatar), one for idle films, one for loading what was checked, two to speak,
    two for talks. What is asked for after ``close`` raises JobCancelled.

    Gradio's queue keeps the order of what takes seconds.
    """

    def __init__(self) -> None:
        self._busy: set[int] = set()  # threads
        self._closed = False
        self._long = ThreadPoolExecutor(1, thread_name_prefix="job", initializer=be_nice)
        self._short = ThreadPoolExecutor(1, thread_name_prefix="check", initializer=be_nice)
        self._loading = ThreadPoolExecutor(1, thread_name_prefix="load", initializer=be_nice)
        self._speech = ThreadPoolExecutor(VOICES, thread_name_prefix="speech", initializer=be_nice)
        self._talk = ThreadPoolExecutor(VOICES, thread_name_prefix="talk", initializer=be_nice)

    async def check(self, work: Callable[[], T]) -> T:
        """The result of short work."""
        return await self._in(self._short, work)

    async def load(self, work: Callable[[], T]) -> T:
        """The result of loading what was checked: no film keeps it waiting."""
        return await self._in(self._loading, work)

    async def speak(self, work: Callable[[], T]) -> T:
        """The result of making speech, which processes of the thread's own low priority do."""
        return await self._in(self._speech, work)

    async def talk(self, work: Callable[[], T]) -> T:
        """The result of what a talk waits for: understanding a turn, speaking a sentence."""
        return await self._in(self._talk, work)

    async def run(self, work: Callable[[Report], T], report: Report, gone: Callable[[], bool] = lambda: False) -> T:
        """The result of long work, which tells ``report`` how it goes; at its next report it ends where ``gone()`` says so.

        ``report`` is called in the thread, in the context of the caller (Gradio's progress bar finds its event there).
        """

        def tell(stage: str, share: float) -> None:
            if gone():
                raise JobCancelled
            report(stage, min(max(share, 0.0), 1.0))

        context = contextvars.copy_context()
        return await self._in(self._long, lambda: context.run(work, tell))

    def close(self) -> None:
        """Begin nothing more, and end what is begun by JobCancelled, wherever it is.

        Work of low priority that holds Python's lock while others take the processor would make everybody wait for it, the
        end of the server too. What runs outside of Python is not waited for.
        """
        self._closed = True
        for pool in (self._long, self._short, self._loading, self._speech, self._talk):
            pool.shutdown(wait=False, cancel_futures=True)
        for thread in list(self._busy):
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(JobCancelled))

    async def _in(self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        if self._closed:
            raise JobCancelled
        return await asyncio.get_running_loop().run_in_executor(pool, self._do, work)

    def _do(self, work: Callable[[], T]) -> T:
        thread = threading.get_ident()
        self._busy.add(thread)
        try:
            return work()
        finally:
            self._busy.discard(thread)

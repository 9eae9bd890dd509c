"""Jobs as tasks of Ray: what was accepted stands in the database, and who is free does it, on any machine.

A process that answers requests takes a job's lease and hands it on. Where the one that works on it dies, Ray begins it again
elsewhere under the same lease; where the one that handed it on dies, the lease runs out and another one takes it.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from functools import lru_cache

import ray

from bithuman_core.cluster.database_clock import database_clock
from bithuman_core.cluster.plan import Plan
from bithuman_core.intake.pool import ReadingPool
from bithuman_core.low_priority import be_nice
from bithuman_core.service.data.database import Database
from bithuman_core.service.errors import Unavailable
from bithuman_core.service.jobs.queue import Queue, Task
from bithuman_core.service.jobs.runner import IDLE_SECONDS, Runner
from bithuman_core.service.metrics import Metrics
from bithuman_core.service.storage import Storage
from bithuman_core.uploads import reading_pool
from bithuman_core.voice import TextToSpeech, text_to_speech

logger = logging.getLogger(__name__)

RETRIES = 2  # of Ray, where a process or a machine dies over a job


class Dispatcher:
    """Stands in the place of the service's ``Runner``."""

    def __init__(self, plan: Plan, database: Database, now: Callable[[], float]) -> None:
        self.queue = Queue(database, "dispatcher", now)
        self._plan, self._database, self._now = plan, database, now
        self._work = ray.remote(max_retries=RETRIES, num_cpus=plan.job_cpus)(do_job)
        self._under_way: list[ray.ObjectRef] = []
        self._wake, self._ending = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)

    def start(self) -> None:
        """Begin to hand jobs on."""
        self._thread.start()

    def wake(self) -> None:
        """There is a new job."""
        self._wake.set()

    def close(self) -> None:
        """Hand no more on. What is under way ends with this process, and is taken by another one when its lease has run out."""
        self._ending.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def step(self) -> bool:
        """Hand one job on, where there is one and room for it. Raises Unavailable."""
        if self._under_way:
            _, self._under_way = ray.wait(self._under_way, num_returns=len(self._under_way), timeout=0)
        if len(self._under_way) >= self._plan.jobs:
            return False
        holder = f"ray-{secrets.token_hex(12)}"  # of this try: one that was given up cannot be taken for it
        task = Queue(self._database, holder, self._now).claim()
        if task is not None:
            self._under_way.append(self._work.remote(self._plan, task, holder))
        return task is not None

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                if self.step():
                    continue
            except Unavailable:
                pass  # it is asked again
            except Exception:
                logger.exception("The thread that hands jobs on stumbled.")
            self._wake.wait(IDLE_SECONDS)
            self._wake.clear()


def do_job(plan: Plan, task: Task, holder: str) -> None:
    """Do a job whose lease is held under that name. The row says how it went."""
    be_nice()
    database, storage, pool, voice = _bench(plan.database, plan.storage)
    runner = Runner(database, storage, pool, voice, holder, Metrics(), database_clock(database))
    try:
        runner.do(task)
    finally:
        runner.close()


@lru_cache(1)
def _bench(database: str, storage: str) -> tuple[Database, Storage, ReadingPool, TextToSpeech]:
    """What the jobs of a process share, one after the other."""
    voice = text_to_speech()
    voice.look()
    return Database(database), Storage(storage), reading_pool(), voice

"""Jobs as tasks of Ray: what was accepted stands in the database, and who is free does it, on any machine.

A process that answers requests takes a job's lease and hands it on. Where the one that works on it dies, Ray begins it again
elsewhere under the same lease; where the one that handed it on dies or ends, the lease runs out and another one takes it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import lru_cache

import ray

from bithuman_core.cluster.database_clock import database_clock
from bithuman_core.cluster.plan import Plan
from bithuman_core.intake.pool import ReadingPool
from bithuman_core.low_priority import be_nice
from bithuman_core.service.data.database import Database
from bithuman_core.service.jobs.loop import JobLoop
from bithuman_core.service.jobs.queue import Queue, Task
from bithuman_core.service.jobs.runner import Runner
from bithuman_core.service.metrics import Metrics
from bithuman_core.service.storage import Storage
from bithuman_core.uploads import reading_pool
from bithuman_core.voice import TextToSpeech, text_to_speech

RETRIES = 2  # of Ray, where a process or a machine dies over a job


class Dispatcher(JobLoop):
    """Hands jobs on, in the place of the service's ``Runner``."""

    def __init__(self, plan: Plan, database: Database, now: Callable[[], float]) -> None:
        super().__init__(Queue(database, "dispatcher", now), "dispatcher")
        self._plan, self._database, self._now = plan, database, now
        self._work = ray.remote(max_retries=RETRIES, num_cpus=plan.job_cpus)(do_job)
        self._under_way: list[ray.ObjectRef] = []

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

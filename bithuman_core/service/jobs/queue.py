"""The jobs in the database: who may work on which one, and what becomes of it.

A job is held by a lease that its holder renews. Where a process dies, its leases run out, and the jobs are anybody's again. A job
that has been begun three times and never came to an end has failed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bithuman_core.service.data.database import Database
from bithuman_core.service.data.tables import Job

QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"
LEASE_SECONDS = 30.0
RENEW_SECONDS = 10.0
TRIES = 3
PAUSES = (5.0, 30.0)  # s before the second and the third try
LOST = "The server was ended three times while it worked on this: try again, or ask its host to look into the log."


class LostLease(Exception):
    """The job is somebody else's by now, or was deleted."""


@dataclass(frozen=True, slots=True)
class Task:
    """A job as whoever works on it needs it."""

    id: str
    kind: str
    agent_code: str
    given: dict[str, Any]
    source: str | None
    tries: int
    """This one among them; more than TRIES where the last one never came to an end."""


class Queue:
    """The jobs, seen by one process. now: Unix seconds; of several machines, their clocks may differ by some seconds."""

    def __init__(self, database: Database, holder: str, now: Callable[[], float]) -> None:
        self._database, self._holder, self._now = database, holder, now

    def claim(self) -> Task | None:
        """The job that has waited longest, held by this process from now on. Raises Unavailable."""
        while True:
            now = self._now()
            ready = (Job.status.in_((QUEUED, RUNNING)), Job.due <= now)
            with self._database.reading() as session:
                found = session.execute(select(Job.id, Job.tries).where(*ready).order_by(Job.due, Job.created).limit(1)).first()
            if found is None:
                return None
            with self._database.writing() as session:
                row = session.scalar(select(Job).where(Job.id == found.id, *ready).with_for_update(skip_locked=True))
                if row is None:
                    continue  # somebody else was faster
                row.status, row.holder, row.tries = RUNNING, self._holder, row.tries + 1
                row.due, row.updated = now + LEASE_SECONDS, now
                return Task(row.id, row.kind, row.agent_code, dict(row.given), row.source, row.tries)

    def renew(self, task: Task, stage: str, share: float) -> None:
        """Hold it for longer, and tell how it goes. Raises LostLease."""
        now = self._now()
        values = {"due": now + LEASE_SECONDS, "updated": now, "stage": stage[:64], "share": min(max(share, 0.0), 1.0)}
        with self._database.writing() as session:
            self._change(session, task, values)

    def settle(self, session: Session, task: Task, **values: Any) -> None:
        """Change it in a transaction that changes more with it. Raises LostLease, so that nothing of it is kept."""
        self._change(session, task, {"updated": self._now(), "holder": None, **values})

    def put_back(self, task: Task) -> None:
        """This process ends: another one may begin at once, and the try does not count."""
        with self._database.writing() as session:
            values = {"status": QUEUED, "due": self._now(), "holder": None, "tries": task.tries - 1}
            self._change(session, task, values)

    def again(self, task: Task) -> bool:
        """Try again after a pause; False where it has been tried often enough."""
        if task.tries >= TRIES:
            return False
        pause = PAUSES[min(task.tries, len(PAUSES)) - 1]
        with self._database.writing() as session:
            self._change(session, task, {"status": QUEUED, "due": self._now() + pause, "holder": None})
        return True

    def count(self, *statuses: str) -> int:
        """How many wait (QUEUED), are worked on (RUNNING), or either."""
        with self._database.reading() as session:
            return session.scalar(select(func.count()).select_from(Job).where(Job.status.in_(statuses))) or 0

    def _change(self, session: Session, task: Task, values: dict[str, Any]) -> None:
        mine = update(Job).where(Job.id == task.id, Job.status == RUNNING, Job.holder == self._holder).values(**values)
        if not cast(Any, session.execute(mine)).rowcount:
            raise LostLease

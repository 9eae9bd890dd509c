"""Which workers are alive, and whose avatars are to be put into their rooms again when one is not.

LiveKit gives a job to an agent server once, and does not start it again when that one dies. So every worker keeps a lease where
all can read it: a number that it counts up, and the jobs it does. A lease whose number stands still belongs to a worker that is
dead: of those alive the one with the least name takes its jobs over. Should two do so, for they may differ for a moment in who is
alive, both avatars have the same identity, of which LiveKit keeps one in a room.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

BEAT_SECONDS = 0.5
DEAD_SECONDS = 2.5  # without a beat: five times as long as one, so that a busy machine is not taken for a dead one
AGAIN_SECONDS = 1.5  # for a worker to take a job, before it is offered again


@dataclass(frozen=True)
class Job:
    """An avatar in a room: what it takes to dispatch it again. dispatch: LiveKit's name of the one before."""

    room: str
    identity: str
    metadata: str = field(compare=False)
    dispatch: str = field(compare=False)


@dataclass(frozen=True)
class Lease:
    """What a worker tells of itself. orphans: jobs of the dead that it is finding a worker for; over: it ends, and means to."""

    worker: str
    beat: int
    jobs: tuple[Job, ...] = ()
    orphans: tuple[Job, ...] = ()
    over: bool = False

    def to_text(self) -> str:
        """As :meth:`from_text` reads it."""
        return json.dumps({"beat": self.beat, "over": self.over, **{
            name: [[job.room, job.identity, job.metadata, job.dispatch] for job in jobs]
            for name, jobs in (("jobs", self.jobs), ("orphans", self.orphans))
        }})  # fmt: skip

    @staticmethod
    def from_text(worker: str, text: str) -> Lease | None:
        """What a worker has written; None where that is no lease."""
        try:
            data = json.loads(text)
            jobs, orphans = (tuple(_job(each) for each in data[name]) for name in ("jobs", "orphans"))
            return Lease(worker, int(data["beat"]), jobs, orphans, bool(data["over"]))
        except (ValueError, TypeError, KeyError, RecursionError):
            return None


def _job(row: Any) -> Job:
    room, identity, metadata, dispatch = (str(part) for part in row)
    return Job(room, identity, metadata, dispatch)


class Watch:
    """Looks at the leases of all workers. now: seconds on a clock that never goes back, the machine's or a test's."""

    def __init__(self, me: str, now: Callable[[], float]) -> None:
        """me: the name of this worker."""
        self._me, self._now = me, now
        self._seen: dict[str, tuple[int, float]] = {}  # of each other worker the last beat, and when it was new here
        self._alive: list[Lease] = []

    def forget(self) -> None:
        """The leases could not be read or written for a while, by anybody: nobody is dead for that."""
        self._seen.clear()

    def look(self, leases: Iterable[Lease]) -> list[Lease]:
        """The leases of the dead whose jobs fall to this worker."""
        others = {lease.worker: lease for lease in leases if lease.worker != self._me}
        now = self._now()
        seen = self._seen
        self._seen = {
            name: known if (known := seen.get(name)) and known[0] == lease.beat else (lease.beat, now)
            for name, lease in others.items()
        }
        dead = [lease for name, lease in others.items() if lease.over or now - self._seen[name][1] >= DEAD_SECONDS]
        self._alive = [lease for lease in others.values() if lease not in dead]
        mine = all(self._me < lease.worker for lease in self._alive)
        return dead if mine else []

    def done_elsewhere(self, job: Job) -> bool:
        """Whether another worker that is alive does it."""
        return any(job in lease.jobs for lease in self._alive)

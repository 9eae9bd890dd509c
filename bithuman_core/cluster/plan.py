"""What a cluster is to be: where its database and files are, how many processes of which kind, and how much each holds."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Names in Ray: of the application, and of its two deployments.
NAME, INGRESS, STAGE = "bithuman", "ingress", "stage"

TOUCH_SECONDS = 1.0  # between two writings of a live avatar's row
LOST_SECONDS = 2.5  # since the last one: its process is taken for dead; two writings may be late
PLACES = 3  # live avatars that one core carries at 25 frames a second with room for its other work (benchmarks/visitors.py)


@dataclass(frozen=True, slots=True)
class Plan:
    """Sent to all processes of the cluster as it is.

    places: live avatars of a process; cpus: cores that Ray reserves for it; workers, most_workers: processes with places, fewest
    and most; ingresses: processes that answer requests; jobs: done at once for each of these, job_cpus cores each; seconds: the
    longest visit; drain: s that a process which is to end waits for its visits.
    """

    database: str
    storage: str
    host: str = "127.0.0.1"
    port: int = 8088
    hosts: tuple[str, ...] = ()
    fetch_from: tuple[str, ...] = ()
    places: int = PLACES
    workers: int = 1
    most_workers: int = 1
    cpus: float = 1.0
    ingresses: int = 1
    ingress_cpus: float = 0.25
    jobs: int = 1
    job_cpus: float = 1.0
    seconds: float = math.inf
    drain: float = 3600.0

    @property
    def longest_drain(self) -> float:
        """A visit with an end is waited for until that."""
        return min(self.drain, self.seconds)

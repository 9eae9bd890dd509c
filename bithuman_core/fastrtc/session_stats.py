"""How a session is doing, told to the visitor's page."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bithuman_core.timing import LOOKAHEAD_TICKS, SAMPLE_RATE, TICK_SECONDS

# What sound passes before it is heard here: a packet is 20 ms long, and it is complete when the next one comes.
INGRESS_SECONDS = 2 * 0.020


@dataclass(slots=True)
class SessionStats:
    """What the visitor's page is told once a second. ``sessions()`` is how many live in this process."""

    sessions: Callable[[], int]
    ticks: int = 0
    fresh: int = 0
    work: float = 0.0  # s
    backlog: int = 0  # samples
    _then: tuple[float, float] = field(default_factory=lambda: (time.process_time(), time.monotonic()))

    def count(self, work: float, fresh: bool, backlog: int) -> None:
        """Add a tick."""
        self.ticks += 1
        self.fresh += fresh
        self.work += work
        self.backlog += backlog

    def take(self) -> dict[str, float]:
        """``server_ms``: from a sound's arrival to its picture's departure. ``tick_ms``: the work of a tick. ``fresh``: the part
        of the pictures that are new ones. ``cpu``: this session's share of what the process used, in cores, encoding and network
        included. All are means, and counting begins anew.
        """
        work, waiting = self.work / self.ticks, self.backlog / self.ticks / SAMPLE_RATE
        server = INGRESS_SECONDS + waiting + (LOOKAHEAD_TICKS + 0.5) * TICK_SECONDS + work
        then, self._then = self._then, (time.process_time(), time.monotonic())
        cpu = (self._then[0] - then[0]) / max(self._then[1] - then[1], 1e-3) / max(self.sessions(), 1)
        told = {"server_ms": round(1000 * server), "tick_ms": round(1000 * work, 1), "fresh": round(self.fresh / self.ticks, 3),
                "cpu": round(cpu, 3)}  # fmt: skip
        self.ticks, self.fresh, self.work, self.backlog = 0, 0, 0.0, 0
        return told

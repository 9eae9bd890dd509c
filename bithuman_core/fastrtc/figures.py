"""How a session is doing, told to the visitor's page."""

from __future__ import annotations

from dataclasses import dataclass

from bithuman_core.timing import LOOKAHEAD_TICKS, SAMPLE_RATE, TICK_SECONDS

# What sound passes before it is heard here: a packet is 20 ms long, and it is complete when the next one comes.
INGRESS_SECONDS = 2 * 0.020


@dataclass(slots=True)
class Figures:
    """What the visitor's page is told once a second."""

    ticks: int = 0
    fresh: int = 0
    work: float = 0.0  # s
    backlog: int = 0  # samples

    def count(self, work: float, fresh: bool, backlog: int) -> None:
        """Add a tick."""
        self.ticks += 1
        self.fresh += fresh
        self.work += work
        self.backlog += backlog

    def take(self) -> dict[str, float]:
        """``server_ms``: from a sound's arrival to its picture's departure. ``tick_ms``: the work of a tick. ``fresh``: the part
        of the pictures that are new ones. All are means, and counting begins anew.
        """
        work, waiting = self.work / self.ticks, self.backlog / self.ticks / SAMPLE_RATE
        server = INGRESS_SECONDS + waiting + (LOOKAHEAD_TICKS + 0.5) * TICK_SECONDS + work
        told = {"server_ms": round(1000 * server), "tick_ms": round(1000 * work, 1), "fresh": round(self.fresh / self.ticks, 3)}
        self.ticks, self.fresh, self.work, self.backlog = 0, 0, 0.0, 0
        return told

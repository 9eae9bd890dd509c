"""Who may be live: so many at once, the others wait in line in the order in which they came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from bithuman_core.clock import Clock

PATIENCE = 10.0  # s: who has not asked for so long has gone away
OFFER_IDLE = 8.0  # s: who was let in and has not come


@dataclass(slots=True)
class _Waiting:
    address: str | None  # which is counted; None: is not
    asked: float  # for the last time, s on the clock
    called: float | None = None  # told to come in for the first time


class WaitingLine:
    """The line in front of the live places.

    ``per_address``: how many places one address may hold; those above it let others by. Who is told to come in and has not come
    ``offer_idle`` s later stands at the end of the line.
    """

    def __init__(self, capacity: int, clock: Clock, per_address: int | None = None, offer_idle: float = OFFER_IDLE) -> None:
        self.capacity = capacity
        self._per_address = capacity if per_address is None else per_address
        self._clock, self._offer_idle = clock, offer_idle
        self._line: dict[str, _Waiting] = {}  # in the order of their coming

    @property
    def waiting(self) -> int:
        """How many wait."""
        self._forget()
        return len(self._line)

    def waiting_at(self, address: str) -> int:
        """How many wait at an address."""
        self._forget()
        return sum(waiting.address == address for waiting in self._line.values())

    def __contains__(self, visitor: object) -> bool:
        return visitor in self._line

    def ahead(
        self, visitor: str, taken: int, address: str | None = None, taken_at: Mapping[str | None, int] | None = None
    ) -> int:
        """Ask for a place while ``taken`` are taken: 0 may enter now, else the position in the line, from 1.

        ``taken_at``: how many of them by each address.
        """
        now = self._clock.now()
        self._forget()
        waiting = self._line.setdefault(visitor, _Waiting(address, now))
        waiting.asked = now
        position = self._position(visitor, self.capacity - taken, Counter(taken_at or {}))
        if position == 0 and waiting.called is None:
            waiting.called = now
        return position

    def leave(self, visitor: str) -> None:
        """Wait no longer: the place is taken, or given up."""
        self._line.pop(visitor, None)

    def _position(self, visitor: str, free: int, held: Counter[str | None]) -> int:
        before, held_back = 0, Counter[str | None]()
        for name, waiting in self._line.items():
            fits = waiting.address is None or held[waiting.address] < self._per_address
            if name == visitor:
                return max(before - free + 1, 0) if fits else max(before - free + 1, 1) + held_back[waiting.address]
            if fits:
                held[waiting.address] += 1
                before += 1
            else:
                held_back[waiting.address] += 1
        raise KeyError(visitor)

    def _forget(self) -> None:
        now = self._clock.now()
        for visitor, waiting in list(self._line.items()):
            if waiting.asked <= now - PATIENCE:
                del self._line[visitor]
            elif waiting.called is not None and waiting.called <= now - self._offer_idle:
                del self._line[visitor]
                self._line[visitor] = _Waiting(waiting.address, waiting.asked)

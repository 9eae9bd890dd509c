"""Who may be live: so many at once, the others wait in line in the order in which they came."""

from __future__ import annotations

from bithuman_core.clock import Clock

PATIENCE = 10.0  # s: who has not asked for so long has gone away


class WaitingLine:
    """The line in front of the live places."""

    def __init__(self, capacity: int, clock: Clock) -> None:
        self.capacity = capacity
        self._clock = clock
        self._line: dict[str, float] = {}  # who waits -> when they last asked, in the order of their coming

    @property
    def waiting(self) -> int:
        """How many wait."""
        self._forget()
        return len(self._line)

    def ahead(self, visitor: str, taken: int) -> int:
        """Ask for a place while ``taken`` are taken: 0 may enter now, else the position in the line, from 1."""
        self._forget()
        self._line[visitor] = self._clock.now()
        free = self.capacity - taken
        return max(list(self._line).index(visitor) - free + 1, 0)

    def leave(self, visitor: str) -> None:
        """Wait no longer: the place is taken, or given up."""
        self._line.pop(visitor, None)

    def _forget(self) -> None:
        gone = self._clock.now() - PATIENCE
        self._line = {visitor: asked for visitor, asked in self._line.items() if asked > gone}

"""Which ticks draw a picture."""

from __future__ import annotations

from bithuman_core.timing import TICK_SECONDS

MAX_BURST = 3  # ticks: shorter stalls are caught up at once, what is longer is skipped
MAX_LATE_SECONDS = TICK_SECONDS  # a later tick only speaks: its picture is left out, so that the voice never stutters
MAX_LEFT_OUT = 3  # pictures in a row: where the machine cannot follow at all, a stuttering voice beats a frozen face


class Lateness:
    """Counts how far a session is behind its clock, and leaves out pictures where that is too far."""

    def __init__(self) -> None:
        self._late = 0.0
        self._left_out = 0

    def draws(self, passed: float) -> bool:
        """Whether a tick that began ``passed`` s after the one before draws its picture."""
        self._late = min(max(self._late + passed - TICK_SECONDS, 0.0), MAX_BURST * TICK_SECONDS)
        draws = self._late < MAX_LATE_SECONDS or self._left_out == MAX_LEFT_OUT
        self._left_out = 0 if draws else self._left_out + 1
        return draws

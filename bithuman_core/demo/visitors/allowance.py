"""How often somebody may ask for something: a token bucket, one for each visitor and one for each address."""

from __future__ import annotations

from bithuman_core.clock import Clock

BURST, PER_SECOND = 40, 20  # messages of a page
ADDRESSES = 4096  # that are remembered; those that have been quiet for longest are forgotten


class Allowance:
    """So many at once, and so many more each second (a token bucket)."""

    def __init__(self, clock: Clock, burst: float = BURST, per_second: float = PER_SECOND) -> None:
        self._clock, self._burst, self._per_second = clock, burst, per_second
        self._left, self._then = burst, clock.now()

    def take(self, amount: float = 1) -> bool:
        """Whether so many more are allowed now; counts them."""
        now = self._clock.now()
        self._left = min(self._burst, self._left + self._per_second * (now - self._then))
        self._then = now
        if self._left < amount:
            return False
        self._left -= amount
        return True


class AddressAllowances:
    """An allowance for each network address."""

    def __init__(self, clock: Clock, burst: float, per_second: float) -> None:
        self._clock, self._burst, self._per_second = clock, burst, per_second
        self._known: dict[str, Allowance] = {}

    def take(self, address: str, amount: float = 1) -> bool:
        """Whether so many more are allowed for this address now; counts them."""
        known = self._known.pop(address, None) or Allowance(self._clock, self._burst, self._per_second)
        self._known[address] = known  # the last one now
        if len(self._known) > ADDRESSES:
            del self._known[next(iter(self._known))]
        return known.take(amount)

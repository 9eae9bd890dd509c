"""What of something scarce is taken: by all together, and by each network address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from bithuman_core.demo.refusal import Refusal


class Shares:
    """So much for all, and so much of it for one address.

    ``what`` is named in the refusal ("uploads"). Taken before the work begins and given back when it ends, however it ends.
    """

    def __init__(self, what: str, in_all: int, per_address: int) -> None:
        self._what, self._in_all, self._per_address = what, in_all, per_address
        self._taken: Counter[str | None] = Counter()

    @property
    def taken(self) -> int:
        """By all together."""
        return self._taken.total()

    def take(self, address: str | None, amount: int = 1) -> None:
        """Take some. Raises Refusal (429, 503) where there is not so much left. None: counted for all only."""
        if address is not None and self._taken[address] + amount > self._per_address:
            raise Refusal(429, f"Your network has too many {self._what} under way: wait until one is done.", retry=RETRY)
        if self.taken + amount > self._in_all:
            raise Refusal(503, f"The server has too many {self._what} under way: try again in a minute.", retry=RETRY)
        self._taken[address] += amount

    def give_back(self, address: str | None, amount: int = 1) -> None:
        """What was taken is free again."""
        self._taken[address] -= amount
        if not self._taken[address]:
            del self._taken[address]

    @contextmanager
    def taking(self, address: str | None, amount: int = 1) -> Iterator[None]:
        """Take some for the time of a block. Raises Refusal."""
        self.take(address, amount)
        try:
            yield
        finally:
            self.give_back(address, amount)


RETRY = 20  # s

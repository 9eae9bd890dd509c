"""What uploads may take: while they come, counted in files and bytes, and of the disk, where they stay for an hour."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bithuman_core.clock import Clock
from bithuman_core.demo.limits import Limits
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.visitors.allowance import AddressAllowances, Allowance
from bithuman_core.demo.visitors.shares import Shares

HOUR = 3600.0  # s: what is uploaded and not used is deleted after that
SO_MUCH = "Your network has uploaded as much as is taken in an hour: try again later."
SO_MUCH_IN_ALL = "The server has been sent as many files as it can keep: try again in some minutes."
RETRY = 600  # s


class Uploads:
    """Reserved with the length that a request says of itself, before a byte of it is read."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._files = Shares("uploads", limits.uploads, limits.uploads_each)
        self._bytes = Shares("bytes of uploads", limits.upload_bytes, limits.upload_bytes_each)
        self._stored = Allowance(clock, limits.stored_bytes, limits.stored_bytes / HOUR)
        self._stored_each = AddressAllowances(clock, limits.stored_bytes_each, limits.stored_bytes_each / HOUR)

    @property
    def under_way(self) -> tuple[int, int]:
        """Files, bytes."""
        return self._files.taken, self._bytes.taken

    @contextmanager
    def taking(self, address: str | None, size: int) -> Iterator[None]:
        """Room for one upload of ``size`` bytes while it comes. Raises Refusal: 429 for this address, 503 for everybody."""
        with self._files.taking(address), self._bytes.taking(address, size):
            if address is not None and not self._stored_each.take(address, size):
                raise Refusal(429, SO_MUCH, retry=RETRY)
            if not self._stored.take(size):
                raise Refusal(503, SO_MUCH_IN_ALL, retry=RETRY)
            yield

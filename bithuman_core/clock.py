"""Time for the runtime: a clock that tests can replace, and the pacing of frames on an absolute schedule."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Protocol

from bithuman_core.timing import TICK_SECONDS


class Clock(Protocol):
    """What the runtime needs of time."""

    def now(self) -> float:
        """Seconds on a clock that never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""
        ...


class MonotonicClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Pacer:
    """Lets one frame through every 40 ms on an absolute schedule, so that small delays do not add up.

    After a stall of the consumer at most ``burst`` frames follow at once; what the stall was longer is left out in whole frames.
    ``phase``: when in the clock's 40 ms frames are due, 0 to 0.04 s; None: from now on.
    """

    def __init__(self, clock: Clock, burst: int, phase: float | None = None) -> None:
        self._clock = clock
        self._burst = max(burst, 1)
        self._due = clock.now()
        if phase is not None:
            self._due += (phase - self._due) % TICK_SECONDS

    async def wait(self) -> None:
        """Return when the next frame is due."""
        now = self._clock.now()
        if now < self._due:
            await self._clock.sleep(self._due - now)
        else:
            lost = math.ceil((now - self._due) / TICK_SECONDS - self._burst)
            self._due += max(lost, 0) * TICK_SECONDS
            await asyncio.sleep(0)  # a consumer that lags must not starve the loop
        self._due += TICK_SECONDS

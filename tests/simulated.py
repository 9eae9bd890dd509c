"""A clock that only moves when somebody sleeps on it: simulated time, no waiting."""

from __future__ import annotations

import asyncio


class SimulatedClock:
    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += max(seconds, 0.0)
        await asyncio.sleep(0)

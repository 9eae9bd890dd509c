"""Names that code for the commercial SDK imports from ``utils``."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

WINDOW = 30  # frames that average_fps looks back


class FPSController:
    """Keeps a loop at a rate: ``wait_next_frame()`` before a frame, ``update()`` after it.

    target_fps: above 0 (ValueError). Frames are due on an absolute schedule, so that small delays do not add up; after a stall
    of more than a frame the schedule starts anew. now, sleep: the machine's clock, or a test's.
    """

    def __init__(
        self, target_fps: float, *, now: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        if not target_fps > 0:
            raise ValueError(f"The rate is {target_fps}; give frames a second above 0.")
        self._interval = 1.0 / target_fps
        self._now, self._sleep = now, sleep
        self._due: float | None = None
        self._shown: deque[float] = deque(maxlen=WINDOW + 1)

    def wait_next_frame(self, *, sleep: bool = True) -> float:
        """Seconds until the next frame is due, at least 0; ``sleep`` waits for them (asyncio code passes False and awaits)."""
        now = self._now()
        if self._due is None or now - self._due > self._interval:
            self._due = now
        wait = max(self._due - now, 0.0)
        if sleep and wait:
            self._sleep(wait)
        return wait

    def update(self) -> None:
        """Tell that a frame was shown."""
        now = self._now()
        self._due = (now if self._due is None else self._due) + self._interval
        self._shown.append(now)

    @property
    def average_fps(self) -> float:
        """Frames a second over the last 30 frames; 0 before the second one."""
        if len(self._shown) < 2 or self._shown[-1] <= self._shown[0]:
            return 0.0
        return (len(self._shown) - 1) / (self._shown[-1] - self._shown[0])

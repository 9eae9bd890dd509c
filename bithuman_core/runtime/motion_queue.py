"""Motion that was pushed and not shown yet: takes in, one frame a tick out."""

from __future__ import annotations

from collections import deque

from bithuman_core.motion.take.frames import MotionFrame, Take


class MotionQueue:
    """Takes, played one after the other. Not thread-safe: its session guards it."""

    def __init__(self) -> None:
        self._takes: deque[Take] = deque()
        self._position = 0  # in the first one
        self.frames = 0  # how many wait

    def push(self, take: Take) -> None:
        """Append a take."""
        self._takes.append(take)
        self.frames += len(take)

    def pop(self) -> MotionFrame | None:
        """The next frame; None where nothing waits."""
        if not self._takes:
            return None
        take = self._takes[0]
        frame = take.frame(self._position)
        self._position += 1
        self.frames -= 1
        if self._position == len(take):
            self._takes.popleft()
            self._position = 0
        return frame

    def clear(self) -> None:
        """Drop everything."""
        self._takes.clear()
        self._position = self.frames = 0

"""What stands between the beat of a session and one outgoing track."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")

CAPACITY = 2  # ticks: a track that is slower than this loses the oldest one


class Line(Generic[T]):
    """Hands one item a tick to a track that awaits it.

    FastRTC sends an item at its arrival, but never earlier than its first item's time plus the ticks since; a first item
    that comes late would hold back all that follow. So the track's first item is the present one, given at the very beginning
    of a tick, before the work of that tick is done: every later item arrives after its time and leaves at once.
    """

    def __init__(self) -> None:
        self._items: deque[T] = deque(maxlen=CAPACITY)
        self._ready = asyncio.Event()
        self._wanted = False  # the track has come
        self._open = False  # it has had its first item
        self._skip = False  # the tick of the first item is not sent twice

    def begin_tick(self, present: T) -> None:
        """A tick begins; ``present`` is what the last one made."""
        if self._wanted and not self._open:
            self._open = self._skip = True
            self._add(present)

    def end_tick(self, item: T) -> None:
        """The work of the tick is done."""
        if self._open and not self._skip:
            self._add(item)
        self._skip = False

    def close(self, last: T) -> None:
        """Release a track that waits."""
        self._add(last)

    async def get(self) -> T:
        """The next item. Only one task may wait."""
        self._wanted = True
        await self._ready.wait()
        item = self._items.popleft()
        if not self._items:
            self._ready.clear()
        return item

    def _add(self, item: T) -> None:
        self._items.append(item)
        self._ready.set()

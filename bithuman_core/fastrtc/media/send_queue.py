"""What stands between the beat of a session and one outgoing track."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")

CAPACITY = 2  # ticks: a track that is slower than this loses the oldest one


class SendQueue(Generic[T]):
    """Hands one item a tick to a track that awaits it.

    FastRTC sends an item when it comes, but never earlier than its first item's time plus 40 ms for each since. A first item
    that is sent late would therefore hold back all that follow. So the track's first item is the present one, given at the
    very beginning of a tick, and ``head_start`` whole ticks are left out after it: so much may the first one be late.
    """

    def __init__(self, head_start: int) -> None:
        self._items: deque[T] = deque(maxlen=CAPACITY)
        self._ready = asyncio.Event()
        self._wanted = False  # the track has come
        self._left_out: int | None = None  # ticks that are still to be left out, None before the first item
        self._head_start = head_start

    @property
    def flowing(self) -> bool:
        """Whether the next item is handed on; before the track has come, and just after, items are left out."""
        return self._left_out == 0

    def begin_tick(self, present: T) -> None:
        """A tick begins; ``present`` is what the last one made."""
        if self._wanted and self._left_out is None:
            self._left_out = 1 + self._head_start  # this tick's item would be the present one again
            self._add(present)

    def end_tick(self, item: T) -> None:
        """The work of the tick is done."""
        if self._left_out == 0:
            self._add(item)
        elif self._left_out is not None:
            self._left_out -= 1

    def clear(self) -> None:
        """Drop what waits."""
        self._items.clear()
        self._ready.clear()

    def close(self, last: T) -> None:
        """Release a track that waits."""
        self._add(last)

    async def get(self) -> T:
        """The next item. Only one task may wait."""
        self._wanted = True
        while not self._items:  # what had come may have been dropped again
            await self._ready.wait()
        item = self._items.popleft()
        if not self._items:
            self._ready.clear()
        return item

    def _add(self, item: T) -> None:
        self._items.append(item)
        self._ready.set()

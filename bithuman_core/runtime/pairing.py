"""Which voice belongs to which picture, where a track for each is made without naming the other."""

from __future__ import annotations

import weakref
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

_single: ContextVar[weakref.ref[Any] | None] = ContextVar("single_track", default=None)


def partner(track: object, kind: type[T]) -> T | None:
    """The track of type ``kind`` made last in this context (task) that has no partner yet; else ``track`` waits for its own.

    Connections are handled in tasks of their own, so the tracks of one never meet those of another.
    """
    waiting = _single.get()
    other = waiting() if waiting is not None else None
    if isinstance(other, kind):
        _single.set(None)
        return other
    _single.set(weakref.ref(track))
    return None

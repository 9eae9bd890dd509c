"""What Gradio remembers of calls and pages, with an end to each.

Gradio 6 keeps every event, a table of its times and the set of its page's events for as long as the server runs, and the state of
10,000 pages (a copy of all components each, some 150 KB). All of it is memory, and each garbage collection walks through it while
every picture waits.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import gradio as gr

EVENTS = 1000  # the last ones: many times what can wait
LEFT_PAGES = (
    100  # not open, whose state is kept: for a line that breaks for a moment, and for calls without a page
)
OPEN_PAGES = 400  # whose state is kept; twice as many as there may be visitors


class RecentTimes(dict[str, dict[str, Any]]):
    """Times by event, in place of Gradio's own dict: the oldest are forgotten; what is written of those goes nowhere."""

    def __setitem__(self, event: str, record: dict[str, Any]) -> None:
        super().__setitem__(event, record)
        if len(self) > EVENTS:
            del self[next(iter(self))]

    def __missing__(self, event: str) -> dict[str, Any]:
        return {}


class RecentEvents(dict[str, Any]):
    """Events by name, in place of Gradio's own dict: the oldest that are over are forgotten, with what lies unread."""

    def __init__(self, queue: Any) -> None:
        super().__init__()
        self._queue = queue

    def __setitem__(self, name: str, event: Any) -> None:
        super().__setitem__(name, event)
        if len(self) <= EVENTS:
            return
        going_on = {event._id for event in unfinished(self._queue)} | {name}
        for old in [old for old in self if old not in going_on][: len(self) - EVENTS]:
            self._forget(self.pop(old))

    def _forget(self, event: Any) -> None:
        page, pages = event.session_hash, self._queue.pending_event_ids_session
        pages.get(page, set()).discard(event._id)
        if not pages.get(page):
            pages.pop(page, None)
            self._queue.pending_messages_per_session.pop(page, None)


class RecentPages(OrderedDict[str, Any]):
    """States by page, in place of Gradio's own dict: those of left pages go first, the ones that were not used for longest."""

    def __init__(self) -> None:
        super().__init__()
        self._open: Counter[str] = Counter()
        self._used: dict[str, Any] = {}

    def replace_those_of(self, page: gr.Blocks) -> None:
        """Once Gradio serves the page, and before anybody has opened it."""
        holder: Any = page.state_holder  # pyright: ignore[reportAttributeAccessIssue]
        self._used = holder.time_last_used  # which Gradio never forgets
        holder.session_data = self

    @contextmanager
    def opened(self, page: str) -> Iterator[None]:
        """While the page keeps its line open."""
        self._open[page] += 1
        try:
            yield
        finally:
            self._open[page] -= 1
            if not self._open[page]:
                del self._open[page]

    def __setitem__(self, page: str, state: Any) -> None:
        super().__setitem__(page, state)
        left = [other for other in self if other not in self._open and other != page]
        for old in left[: max(len(left) - LEFT_PAGES, 0)]:
            del self[old]
        if len(self) > OPEN_PAGES:
            del self[next(iter(self))]

    def __delitem__(self, page: str) -> None:
        super().__delitem__(page)
        self._used.pop(page, None)


def unfinished(queue: Any) -> Iterator[Any]:
    """Events that wait or are being worked on."""
    waiting = (line.queue for line in queue.event_queue_per_concurrency_id.values())
    return chain.from_iterable((*waiting, *(job for job in queue.active_jobs if job)))


def limit_events(page: gr.Blocks) -> None:
    """Give the records of events an end."""
    queue: Any = page._queue
    queue.event_analytics = RecentTimes()
    queue.event_ids_to_events = RecentEvents(queue)

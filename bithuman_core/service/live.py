"""Live avatars of all processes in one table: who is live where, and what they are told from outside.

Each process writes down its own and takes the messages for them, so that any replica can tell any avatar something. With each
goes what another process needs to go on with it where this one dies; whoever does so takes the row over (:func:`take_over`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from bithuman_core.errors import BithumanError
from bithuman_core.service.data.database import Database
from bithuman_core.service.data.tables import Agent, Live, Message
from bithuman_core.service.errors import Unavailable

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5  # between two looks for messages
TOUCH_SECONDS = 5.0  # after which a row that nothing happens to says again that it is live
SEEN_SECONDS = 15.0  # since which a live avatar has been heard of; three touches
ROOM, EMBED = "room", "embed"


@dataclass(frozen=True, slots=True)
class LiveAvatar:
    """One that is live in this process. All are called on the event loop: ``tell(kind, text)`` (kind: speak or add_context),
    ``end()`` where its agent was deleted or another process has taken it over, ``state()`` what such a process needs (JSON)."""

    id: str
    agent_code: str | None  # None: no agent of the service
    kind: str
    tell: Callable[[str, str], None]
    end: Callable[[], None] = lambda: None
    room: str | None = None
    origin: str | None = None
    state: Callable[[], dict[str, Any]] = dict


def is_live(now: float) -> ColumnElement[bool]:
    """Of rows of ``Live``: at ``now``, Unix seconds."""
    return Live.ended_at.is_(None) & (Live.seen_at > now - SEEN_SECONDS)


def end_the_lost(session: Session, now: float) -> None:
    """Write down the end of those whose process died without doing so."""
    lost = update(Live).where(Live.ended_at.is_(None), Live.seen_at <= now - SEEN_SECONDS)
    session.execute(lost.values(ended_at=Live.seen_at))


def take_over(session: Session, number: str, process: str, now: float, *conditions: ColumnElement[bool]) -> dict[str, Any] | None:
    """From now on a live avatar is this process's, where the conditions hold: its state. None: there is no such row, or somebody
    else was faster. One statement, so that of several processes one has it."""
    mine = update(Live).where(Live.id == number, *conditions).values(process=process, seen_at=now, ended_at=None)
    if not cast(Any, session.execute(mine)).rowcount:
        return None
    return dict(session.get_one(Live, number).state)


class LiveAvatars:
    """Those of one process. now: Unix seconds. touch: s after which a row that nothing happens to is written anew."""

    def __init__(self, database: Database, process: str, now: Callable[[], float], touch: float = TOUCH_SECONDS) -> None:
        self._database, self._process, self._now, self._touch_after = database, process, now, touch
        self._sources = list[Callable[[], Iterable[LiveAvatar]]]()
        self._known = set[str]()  # whose rows are there
        self._touched = float("-inf")
        self._soon = asyncio.Event()

    def add(self, source: Callable[[], Iterable[LiveAvatar]]) -> None:
        """Ask ``source()`` for live avatars, too, from now on."""
        self._sources.append(source)

    def count(self, kind: str) -> int:
        """How many are live."""
        return sum(avatar.kind == kind for source in self._sources for avatar in source())

    def look_soon(self) -> None:
        """Somebody came or went: do not wait for the next look."""
        self._soon.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Exchange with the database as long as the block; all have ended after it."""
        ending = asyncio.Event()
        looking = asyncio.create_task(self._look(ending))
        try:
            yield
        finally:  # not by cancelling it: Python 3.11's wait_for loses a cancellation that comes with what it waits for
            ending.set()
            self._soon.set()
            await asyncio.wait([looking])
            with suppress(Unavailable):
                await run_in_threadpool(self._end, set(self._known))

    async def exchange(self) -> None:
        """Tell the database who is live here, and those who are live what they were sent. Raises Unavailable."""
        live = {avatar.id: avatar for source in self._sources for avatar in source()}
        if not live and not self._known:
            return
        states = {number: avatar.state() for number, avatar in live.items()}
        told, gone = await run_in_threadpool(self._exchange, live, states)
        for number, kind, text in told:
            live[number].tell(kind, text)
        for number in gone:
            live[number].end()

    async def _look(self, ending: asyncio.Event) -> None:
        while not ending.is_set():
            self._soon.clear()
            try:
                await self.exchange()
            except Unavailable:  # it is asked again
                pass
            except (BithumanError, IntegrityError) as error:  # an agent was deleted in this very moment
                logger.warning("Messages for live avatars wait: %s", error)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._soon.wait(), POLL_SECONDS)

    def _exchange(
        self, live: Mapping[str, LiveAvatar], states: Mapping[str, dict[str, Any]]
    ) -> tuple[list[tuple[str, str, str]], list[str]]:
        """In the thread pool: (messages, whose rows are not ours any more). Writes only where there is something to write."""
        now = self._now()
        waiting = select(Message.id).where(Message.live_id.in_(list(live))).limit(1)
        if live.keys() == self._known and now - self._touched < self._touch_after:
            with self._database.reading() as session:
                if session.scalar(waiting) is None:
                    return [], []
        self._end(self._known - live.keys())
        with self._database.writing(brief=True) as session:
            gone = [avatar.id for avatar in live.values() if not self._touch(session, avatar, states[avatar.id], now)]
            session.flush()
            ours = live.keys() - set(gone)
            rows = list(session.scalars(select(Message).where(Message.live_id.in_(ours)).order_by(Message.id)))
            told = [(row.live_id, row.kind, row.text) for row in rows]
            for row in rows:
                session.delete(row)
        self._known, self._touched = set(live), now
        return told, gone

    def _touch(self, session: Session, avatar: LiveAvatar, state: dict[str, Any], now: float) -> bool:
        """Whether it has a row of ours: one whose agent was deleted has none, one that was taken over is another process's."""
        row = session.get(Live, avatar.id, with_for_update=True)
        if row is not None:
            if row.process != self._process:
                return False
            row.seen_at, row.ended_at, row.state = now, None, state
            return True
        if avatar.agent_code is not None and session.get(Agent, avatar.agent_code) is None:
            return False
        session.add(
            Live(
                id=avatar.id, agent_code=avatar.agent_code, kind=avatar.kind, room=avatar.room, origin=avatar.origin,
                process=self._process, started_at=now, seen_at=now, state=state,
            )
        )  # fmt: skip
        return True

    def _end(self, numbers: set[str]) -> None:
        if numbers:
            with self._database.writing() as session:
                ours = Live.id.in_(list(numbers)), Live.process == self._process
                session.execute(delete(Message).where(Message.live_id.in_(select(Live.id).where(*ours))))
                session.execute(update(Live).where(*ours).values(ended_at=self._now()))
            self._known -= numbers

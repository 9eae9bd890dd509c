"""All open pages, and who of them is live."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fastrtc import Stream

from bithuman_core.clock import Clock
from bithuman_core.demo.gallery import Avatar, Gallery
from bithuman_core.demo.limits import Limits
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.visitors.address import network_of
from bithuman_core.demo.visitors.talker import TalkParts
from bithuman_core.demo.visitors.visitor import Visitor
from bithuman_core.demo.visitors.waiting_line import WaitingLine
from bithuman_core.fastrtc.avatar_engine import AvatarState
from bithuman_core.fastrtc.live_session import LiveEngine
from bithuman_core.fastrtc.stream import close_visit

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 20.0
RETRY = 30  # s
# After its line broke: a page that only lost the network comes back or is heard in its stream; its last packets may come late.
GONE_SECONDS, LAST_WORDS_SECONDS = 4.0, 1.0
UNKNOWN_VISIT = "The server does not know this page any more: reload it."


class Visitors:
    """Opens, finds and closes visits. ``waiting_line`` says who may be live."""

    def __init__(
        self,
        stream: Stream,
        gallery: Gallery,
        make_engine: Callable[[AvatarState], LiveEngine],
        limits: Limits,
        waiting_line: WaitingLine,
        clock: Clock,
        talk: TalkParts | None = None,
    ) -> None:
        self.waiting_line = waiting_line
        self._stream, self._gallery, self._make_engine, self._limits, self._clock = stream, gallery, make_engine, limits, clock
        self._talk = talk
        self._open: dict[str, Visitor] = {}
        self._watching: dict[Visitor, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Visitor]:
        return iter(list(self._open.values()))

    @property
    def live(self) -> int:
        """How many are connected."""
        return len(self._stream.pcs)

    def on_air(self) -> list[Visitor]:
        """The visits that are connected, the oldest page first."""
        return [visit for visit in self._open.values() if self._is_live(visit)]

    def open(self, host: str | None = None) -> Visitor:
        """A page is opened by somebody at ``host`` (None: not counted). Raises Refusal where too many are."""
        address = network_of(host, own_machine=self._limits.own_machine)
        if address is not None and sum(other.address == address for other in self) >= self._limits.visitors_each:
            raise Refusal(429, "Your network has too many of these pages open: close one, then try again.", retry=RETRY)
        if len(self._open) >= self._limits.visitors and not self._forget_a_quiet_one():
            sentence = "Too many people have this page open at the moment: try again in a few minutes."
            raise Refusal(503, sentence, retry=RETRY)
        visit = Visitor(self._gallery, self._make_engine, self._limits, self._clock, address, self._talk)
        self._open[visit.secret] = visit
        return visit

    def _forget_a_quiet_one(self) -> bool:
        """Make room for a page: the one goes that has been silent for longest, and not only between two signs of life."""
        old = self._clock.now() - self._limits.visit_quiet
        quiet = [visit for visit in self if visit.connection is None and not visit.lines and visit.seen_at < old]
        if not quiet:
            return False
        visit = self._open.pop(min(quiet, key=lambda visit: visit.seen_at).secret)
        self.waiting_line.leave(visit.secret)
        visit.close()
        return True

    def find(self, secret: str | None) -> Visitor:
        """The visit of this secret. Raises Refusal where there is none."""
        visit = self._open.get(secret or "")
        if visit is None:
            raise Refusal(410, UNKNOWN_VISIT)
        visit.stay()
        return visit

    def own_avatar(self, key: str) -> Avatar | None:
        """A visitor's own avatar of this key."""
        return next((visit.own[key] for visit in self._open.values() if key in visit.own), None)

    @contextmanager
    def room_for_avatar(self, visit: Visitor) -> Iterator[None]:
        """Hold room for an avatar that is on its way, until it is kept or given up.

        Raises Refusal where the visitor, or all together, have as many own avatars as are kept.
        """
        visit.check_room()
        if sum(other.avatars_held for other in self) >= self._limits.avatars_all:
            sentence = "The server holds as many avatars of visitors as it can at the moment: try again in some minutes."
            raise Refusal(503, sentence, retry=RETRY)
        visit.avatars_coming += 1
        try:
            yield
        finally:
            visit.avatars_coming -= 1

    def ahead(self, visit: Visitor) -> int:
        """Ask for a place: 0 may connect now, else the position in the line. Raises Refusal (429)."""
        line, address = self.waiting_line, visit.address
        if address is not None and visit.secret not in line and line.waiting_at(address) >= self._limits.waiting_each:
            raise Refusal(429, "Too many people of your network wait for their turn: try again in a minute.", retry=RETRY)
        others = [other for other in self if other is not visit and (other.entering or self._is_live(other))]
        return line.ahead(visit.secret, len(others), address, Counter(other.address for other in others))

    async def hang_up(self, visit: Visitor) -> None:
        """End the visit's connection, which frees its place."""
        self.waiting_line.leave(visit.secret)
        connection, visit.connection = visit.connection, None
        if connection is not None:
            await close_visit(self._stream, connection)

    async def close(self, secret: str) -> None:
        """A page is closed: its place is free, and what the visitor brought is gone."""
        visit = self._open.pop(secret, None)
        if visit is not None:
            try:
                await self.hang_up(visit)
            finally:
                visit.close()

    def lost(self, visit: Visitor) -> None:
        """The page's line broke: where nothing more is heard, its tab is closed, and its place is free some seconds later.

        What the visitor brought stays until the page has been silent for long: it may be only the network.
        """
        if (earlier := self._watching.pop(visit, None)) is not None:
            earlier.cancel()
        self._watching[visit] = asyncio.create_task(self._watch(visit, self._clock.now()))

    async def _watch(self, visit: Visitor, broke_at: float) -> None:
        await self._clock.sleep(GONE_SECONDS)
        del self._watching[visit]
        if not visit.lines and visit.heard_at < broke_at + LAST_WORDS_SECONDS:
            await self.hang_up(visit)

    async def close_all(self) -> None:
        """The server ends."""
        for task in self._watching.values():
            task.cancel()
        await asyncio.gather(*(self._close(visit) for visit in self))

    async def sweep(self) -> None:
        """Close, from time to time, pages that have not been heard of for long. Never returns."""
        while True:
            await self._clock.sleep(SWEEP_SECONDS)
            old = self._clock.now() - self._limits.visit_idle
            for visit in [visit for visit in self if visit.seen_at < old]:
                await self._close(visit)

    async def _close(self, visit: Visitor) -> None:
        """Close one among many: what breaks there, in aiortc or FastRTC, is no reason to keep the others."""
        try:
            await self.close(visit.secret)
        except Exception:
            logger.exception("A visit could not be closed in order.")

    def _is_live(self, visit: Visitor) -> bool:
        return visit.connection in self._stream.pcs

"""The avatars of this process that live on pages of other sites."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool

from bithuman_core.clock import MonotonicClock
from bithuman_core.conversation import Line
from bithuman_core.demo.conversation import Answering, talk_parts
from bithuman_core.demo.jobs import Jobs
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.visitors.address import network_of
from bithuman_core.demo.visitors.allowance import AddressAllowances
from bithuman_core.demo.visitors.shares import Shares
from bithuman_core.fastrtc.live_session import LiveEngine
from bithuman_core.fastrtc.negotiation import NotWanted, follow_offer
from bithuman_core.fastrtc.offers import OfferError, check_offer
from bithuman_core.fastrtc.stream import avatar_stream, close_visit, close_visits
from bithuman_core.fastrtc.turn import Route
from bithuman_core.heap import keep_collections_short
from bithuman_core.service.context import Service
from bithuman_core.service.data.identifiers import identifier
from bithuman_core.service.embed.agent import ShownAgent
from bithuman_core.service.embed.answers import Speechless
from bithuman_core.service.embed.avatars import AvatarFiles, Fetched, StoredAvatars
from bithuman_core.service.embed.visit import EmbedVisit
from bithuman_core.service.errors import Invalid, NoPlaces, RateLimited
from bithuman_core.service.live import EMBED, LiveAvatar, take_over

FULL = "All places are taken at the moment: try again in some seconds."
TOO_MANY_HERE = "Your network shows as many of these avatars as it may: end one, then try again."
TOO_OFTEN = "Your network has begun too many visits in a short time: try again in some seconds."
DELETED = "This avatar is not there any more."
RETRY = 5  # s


class Embeds:
    """Takes offers of pages whose token was looked at. places: avatars that are live at once; seconds: the longest visit;
    files: where avatars are had from, the storage unless something else is said."""

    def __init__(
        self, service: Service, places: int, answers: Answering, seconds: float = math.inf, files: AvatarFiles | None = None
    ) -> None:
        self.hears = answers.hears
        self.answers = not isinstance(answers.brain, Speechless)
        self.route = Route()
        self.seconds = seconds
        self._jobs, self._clock, self._limits = Jobs(), MonotonicClock(), service.limits.doors
        self._greeting = answers.greeting
        self._parts = replace(talk_parts(answers, service.voice, self._jobs), greeting=None)
        self._avatars = StoredAvatars(files or Fetched(service.storage, service.folder.path), self._jobs.load)
        measure = partial(_measure, service)
        self._stream = avatar_stream(
            _of_nobody, visitors=places, rtc_configuration=self.route.configuration, measure=measure
        )
        self._places = Shares("avatars", places, max(places - 1, 1))  # one address leaves the others a place
        limits = self._limits  # who only waits for a place is not counted
        self._offers = AddressAllowances(self._clock, limits.visitors_each, limits.offers_per_second)
        self._held: dict[str, str | None] = {}  # the addresses of those who hold one
        self._visits: dict[str, EmbedVisit] = {}
        self._closing = set[asyncio.Task[None]]()
        self.recovers = False  # whether other processes have places for the visits of one that dies
        self._service, self._live, self._refused = service, service.live, partial(service.metrics.refused, EMBED)
        service.metrics.places(EMBED, places)
        service.live.add(self.live)

    def __len__(self) -> int:
        return len(self._visits)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """As long as the service runs."""
        keep_collections_short()
        yield
        await close_visits(self._stream)
        self._jobs.close()

    def live(self) -> Iterator[LiveAvatar]:
        """Those that are connected."""
        for visit in list(self._visits.values()):
            if visit.live:
                end = partial(visit.end, DELETED)
                yield LiveAvatar(
                    visit.id, visit.agent.code, EMBED, visit.tell, end, origin=visit.agent.site, state=visit.remembered
                )

    async def offer(
        self, agent: ShownAgent, sdp: str, said: Sequence[Line], host: str | None, number: str | None = None
    ) -> tuple[str, dict[str, Any]]:
        """(number of the visit, answer) to an offer. said: of a talk that goes on. host: of the visitor. number: of a visit that
        was shown before, perhaps by another process, and goes on here.

        Raises NoPlaces, RateLimited, Invalid, ModelError, ServiceError.
        """
        try:
            check_offer(sdp)
        except OfferError as error:
            raise Invalid(str(error)) from error
        before: Mapping[str, Any] | None = {} if number is None else None
        if (shown := self._visits.get(number or "")) is not None:  # its page has lost the connection
            before = shown.remembered()
            await close_visit(self._stream, shown.connection)
            self._free(shown.id)
        number = number or identifier("visit_")
        self._take_place(number, host)
        try:
            if before is None:
                before = await run_in_threadpool(self._take_over, number)
            visit = await self._visit(number, agent, said, before)
            self._visits[number] = visit
            told = {"type": "offer", "webrtc_id": visit.connection, "sdp": sdp}
            answer = await follow_offer(self._stream, self.route, told, visit, lambda: self._visits.get(number) is visit)
        except OfferError as error:
            self._free(number)
            raise Invalid(str(error)) from error
        except NotWanted:
            raise NoPlaces(FULL, retry=RETRY) from None
        except BaseException:
            self._free(number)
            raise
        self._live.look_soon()
        return number, answer

    async def until_over(self, number: str) -> None:
        """Return when the present connection of a visit has ended."""
        if (visit := self._visits.get(number)) is not None:
            await visit.closed.wait()

    def _take_over(self, number: str) -> dict[str, Any]:
        with self._service.database.writing(brief=True) as session:
            return take_over(session, number, self._service.name, self._service.now()) or {}

    async def _visit(self, number: str, agent: ShownAgent, said: Sequence[Line], before: Mapping[str, Any]) -> EmbedVisit:
        visit = EmbedVisit(
            number, agent, await self._avatars.get(agent.model), self._parts, self._clock, limit=self.seconds,
            connect_idle=self._limits.connect_idle, answers=self.answers, greeting=None if said else self._greeting,
            before=before, hang_up=self._hang_up, over=self._over,
        )  # fmt: skip
        visit.talker.go_on(without_end(said, before.get("saying", "")))
        return visit

    def _take_place(self, number: str, host: str | None) -> None:
        if number in self._held:  # a page that offers twice at a time
            raise RateLimited(TOO_OFTEN, retry=RETRY)
        address = network_of(host, own_machine=self._limits.own_machine)
        try:
            self._places.take(address)
        except Refusal as refusal:
            if refusal.status == 429:
                raise RateLimited(TOO_MANY_HERE, retry=RETRY) from None
            self._refused()
            raise NoPlaces(FULL, retry=RETRY) from None
        self._held[number] = address
        if address is not None and not self._offers.take(address):
            self._free(number)
            raise RateLimited(TOO_OFTEN, retry=RETRY)

    def _hang_up(self, visit: EmbedVisit) -> None:
        task = asyncio.get_running_loop().create_task(close_visit(self._stream, visit.connection))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _over(self, visit: EmbedVisit) -> None:
        if self._visits.get(visit.id) is visit:  # else it goes on with another connection
            self._free(visit.id)
        self._live.look_soon()

    def _free(self, number: str) -> None:
        self._visits.pop(number, None)
        if number in self._held:
            self._places.give_back(self._held.pop(number))


def without_end(said: Sequence[Line], text: str) -> list[Line]:
    """What was said before, without what is about to be said again."""
    lines = list(said)
    if text and lines and lines[-1].who == "avatar" and lines[-1].text.endswith(text):
        last = lines.pop()
        if left := last.text.removesuffix(text).rstrip():
            lines.append(Line("avatar", left))
    return lines


def _measure(service: Service, work: float, fresh: bool) -> None:
    service.metrics.tick(EMBED, work, late=not fresh)


def _of_nobody() -> LiveEngine:
    raise RuntimeError("a connection that belongs to no visit")

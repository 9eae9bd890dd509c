"""What a process that answers requests does with offers of pages: a process with places takes them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from ray.serve.handle import DeploymentHandle
from starlette.concurrency import run_in_threadpool

from bithuman_core.clock import MonotonicClock
from bithuman_core.cluster.held_calls import PATIENCE, HeldCalls
from bithuman_core.conversation import Line
from bithuman_core.demo.conversation import Answering
from bithuman_core.demo.visitors.address import network_of
from bithuman_core.demo.visitors.allowance import AddressAllowances
from bithuman_core.fastrtc.offers import OfferError, check_offer
from bithuman_core.fastrtc.turn import Route
from bithuman_core.service.context import Service
from bithuman_core.service.embed.agent import ShownAgent
from bithuman_core.service.embed.answers import Speechless
from bithuman_core.service.embed.visits import RETRY, TOO_OFTEN
from bithuman_core.service.errors import Invalid, RateLimited
from bithuman_core.service.live import take_over

AGAIN_SECONDS = 3.0  # that a visit which was live waits for a place: others of the process that died come at the same moment


class StagedEmbeds:
    """Stands in the place of :class:`bithuman_core.service.embed.visits.Embeds`. stage: the handle of those with places."""

    recovers = True

    def __init__(self, service: Service, stage: DeploymentHandle, answers: Answering, seconds: float) -> None:
        self.hears, self.answers = answers.hears, not isinstance(answers.brain, Speechless)
        self.route, self.seconds = Route(), seconds
        self._service, self._stage = service, stage.options(stream=True)
        self._limits, self._calls = service.limits.doors, HeldCalls()
        self._offers = AddressAllowances(MonotonicClock(), self._limits.visitors_each, self._limits.offers_per_second)

    def __len__(self) -> int:
        return len(self._calls)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """As long as the service runs; the avatars live on without it."""
        yield

    async def offer(
        self, agent: ShownAgent, sdp: str, said: Sequence[Line], host: str | None, number: str | None = None
    ) -> tuple[str, dict[str, Any]]:
        """As of ``Embeds``. Raises ClusterFull, Unavailable, too."""
        try:
            check_offer(sdp)
        except OfferError as error:
            raise Invalid(str(error)) from error
        address = network_of(host, own_machine=self._limits.own_machine)
        if address is not None and not self._offers.take(address):
            raise RateLimited(TOO_OFTEN, retry=RETRY)
        patience = PATIENCE
        if number is not None:
            await run_in_threadpool(self._let_go, number)
            patience = AGAIN_SECONDS
        return await self._calls.answer(partial(self._stage.visit.remote, agent, sdp, list(said), number), patience)

    def _let_go(self, number: str) -> None:
        """Who shows it now, and has lost its page, is to leave its place to others."""
        with self._service.database.writing(brief=True) as session:
            take_over(session, number, self._service.name, self._service.now())

"""A process with places: avatars live here, and requests come by the handles of those that answer them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import Any

from bithuman_core.cluster.avatar_files import NodeFiles
from bithuman_core.cluster.opening import open_service
from bithuman_core.cluster.plan import Plan
from bithuman_core.conversation import Line
from bithuman_core.engine import Engine, Fixture
from bithuman_core.errors import BithumanError
from bithuman_core.service.embed.agent import ShownAgent
from bithuman_core.service.embed.answers import embed_answers
from bithuman_core.service.embed.visits import Embeds
from bithuman_core.settings import default_avatar

TAKEN = "taken"  # the first word of every call: there is a place


class Stage:
    """Ray Serve's deployment. Each call goes on as long as its avatar is live, so that Serve knows how many are."""

    async def __init__(self, plan: Plan) -> None:
        self._service = open_service(plan)
        self._service.speaker.look()
        files = NodeFiles(self._service.storage)
        self._embeds = Embeds(self._service, plan.places, embed_answers(), plan.seconds, files)
        self._running = AsyncExitStack()
        await self._running.enter_async_context(self._service.live.running())
        await self._running.enter_async_context(self._embeds.running())
        await asyncio.to_thread(_warm_up)

    async def visit(
        self, agent: ShownAgent, sdp: str, said: Sequence[Line], number: str | None
    ) -> AsyncIterator[str | tuple[str, dict[str, Any]] | BithumanError]:
        """Show an agent to a page: TAKEN, then (number of the visit, answer) or why not, then nothing until the page is gone."""
        yield TAKEN
        try:
            visit, answer = await self._embeds.offer(agent, sdp, said, None, number)
        except BithumanError as error:
            yield error
            return
        yield visit, answer
        await self._embeds.until_over(visit)

    async def check_health(self) -> None:
        """The loop that carries the avatars answers."""

    async def __del__(self) -> None:
        """Serve waits for it: pages are told that their visit ends, and ask elsewhere."""
        await self._running.aclose()
        await asyncio.to_thread(self._service.close)


def _warm_up() -> None:
    """Compile and load what the first visitor would wait for."""
    Engine(Fixture(default_avatar())).step(None)

"""A process with places: avatars live here, and requests come by the handles of those that answer them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ray import serve

from bithuman_core.cluster.avatar_files import NodeFiles
from bithuman_core.cluster.opening import open_service
from bithuman_core.cluster.plan import NAME, STAGE, Plan
from bithuman_core.conversation import Line
from bithuman_core.engine import Engine, Fixture
from bithuman_core.errors import BithumanError
from bithuman_core.heap import share_heaps
from bithuman_core.service.context import Service
from bithuman_core.service.embed.agent import ShownAgent
from bithuman_core.service.embed.answers import embed_answers
from bithuman_core.service.embed.visits import Embeds
from bithuman_core.service.errors import NotInstalled
from bithuman_core.settings import default_avatar

if TYPE_CHECKING:
    from bithuman_core.cluster.rooms import StagedRooms  # which brings LiveKit along

NO_LIVEKIT = "Avatars in rooms need LiveKit's packages on all machines of the cluster: pip install 'bithuman-core[livekit]'."
TAKEN = "taken"  # the first word of every call: there is a place


class Stage:
    """Ray Serve's deployment. Each call goes on as long as its avatar is live, so that Serve knows how many are."""

    async def __init__(self, plan: Plan) -> None:
        share_heaps()
        self._running = AsyncExitStack()
        self._service = open_service(plan)
        self._running.push_async_callback(asyncio.to_thread, self._service.close)
        self._service.speaker.look()
        files = NodeFiles(self._service.storage)
        self._embeds = Embeds(self._service, plan.places, embed_answers(), plan.seconds, files)
        self._rooms = _rooms(self._service, plan, files)
        await self._running.enter_async_context(self._service.live.running())
        for part in (self._embeds, self._rooms):
            if part is not None:
                await self._running.enter_async_context(part.running())
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

    async def room(self, number: str) -> AsyncIterator[str | dict[str, Any] | BithumanError]:
        """Carry out the order of a row: TAKEN, then its card or why not, then nothing until the avatar has left the room."""
        yield TAKEN
        if self._rooms is None:
            yield NotInstalled(NO_LIVEKIT)
            return
        async for told in self._rooms.perform(number):
            yield told

    async def check_health(self) -> None:
        """The loop that carries the avatars answers."""

    async def __del__(self) -> None:
        """Serve waits for it: pages are told that their visit ends, and ask elsewhere."""
        await self._running.aclose()


def _rooms(service: Service, plan: Plan, files: NodeFiles) -> StagedRooms | None:
    if find_spec("livekit") is None:
        return None
    from bithuman_core.cluster.rooms import StagedRooms

    return StagedRooms(service, plan, files, serve.get_deployment_handle(STAGE, NAME))


def _warm_up() -> None:
    """Compile and load what the first visitor would wait for."""
    Engine(Fixture(default_avatar())).step(None)

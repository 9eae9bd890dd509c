"""A call to a process with places that stays open as long as the avatar is live.

So Serve counts live avatars as requests that go on: it gives a process no more than it has places, sends the next one where most
are free, starts processes as they fill, and lets one that is to end finish. A process of the stage goes on with its avatars where
whoever called it dies.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ray.exceptions import RayError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError
from ray.serve.handle import DeploymentResponseGenerator

from bithuman_core.errors import BithumanError
from bithuman_core.service.errors import NoPlaces, Unavailable

logger = logging.getLogger(__name__)

PATIENCE = 1.0  # s, for a place; meanwhile Serve looks at all processes, and those that grow the cluster see who waits
TRIES = 3  # a process that dies before it has answered is left out with the next one
RETRY = 5  # s
FULL = "All places of the cluster are taken at the moment: try again in some seconds."
BROKE = "The processes with places died three times over this: try again in a minute."


class ClusterFull(NoPlaces):
    """As many avatars are live as may be, everywhere."""

    status = 429


class HeldCalls:
    """Those of one process."""

    def __init__(self) -> None:
        self._held = set[asyncio.Task[None]]()

    def __len__(self) -> int:
        return len(self._held)

    async def answer(self, call: Callable[[], Any], patience: float = PATIENCE) -> Any:
        """What the stage answers to a call with ``stream=True``, which stays open.

        Raises ClusterFull, Unavailable, and what the stage refuses with.
        """
        fault: BithumanError = Unavailable(BROKE, retry=RETRY)
        for _ in range(TRIES):
            calling = call()
            try:
                return await self._first(calling, patience)
            except ClusterFull:
                raise
            except NoPlaces:  # its last place was taken in this moment: another one has some
                fault = ClusterFull(FULL, retry=RETRY)
            except (RayError, DeploymentUnavailableError, StopAsyncIteration) as error:
                logger.warning("A process with places died over a call: %s", type(error).__name__)
        raise fault

    async def _first(self, calling: DeploymentResponseGenerator[Any], patience: float) -> Any:
        try:
            await asyncio.wait_for(anext(calling), patience)  # it has a place
        except (asyncio.TimeoutError, BackPressureError):
            calling.cancel()
            raise ClusterFull(FULL, retry=RETRY) from None
        answer = await anext(calling)
        if isinstance(answer, BithumanError):
            raise answer
        task = asyncio.create_task(_until_over(calling))
        self._held.add(task)
        task.add_done_callback(self._held.discard)
        return answer


async def _until_over(calling: DeploymentResponseGenerator[Any]) -> None:
    with suppress(RayError):  # it died; its avatars go on elsewhere
        async for _ in calling:
            pass

"""The way into a room, and in again where the connection to it was lost."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from livekit import rtc

from bithuman_core.errors import BithumanError
from bithuman_core.livekit.connection import Connection
from bithuman_core.worker.limits import WorkerLimits
from bithuman_core.worker.order import Order

logger = logging.getLogger(__name__)

AGAIN_SECONDS = 0.5  # between two tries
UNAUTHORISED = "401 Unauthorized"  # in LiveKit's words for a token that is not valid (any more)
RoomFactory = Callable[[], rtc.Room]


class RoomError(BithumanError):
    """The room could not be joined (again), or nobody came."""

    default_code = "ROOM"


class Door:
    """Lets the avatar of an order in. now, sleep: the machine's clock, or a test's."""

    def __init__(
        self, order: Order, make_room: RoomFactory, limits: WorkerLimits,
        now: Callable[[], float] = time.monotonic, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._url, self._token = order.livekit_url, order.livekit_token.get_secret_value()
        self._make_room, self._limits = make_room, limits
        self._now, self._sleep = now, sleep
        self._was_in = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Connection]:
        """A fresh connection to the room, which is left afterwards.

        The first time there is one try; later LiveKit's server is given ``rejoin_seconds`` to come back. Raises RoomError.
        """
        connection = await (self._join_again() if self._was_in else self._join())
        self._was_in = True
        try:
            yield connection
        finally:
            self._token = getattr(connection.room, "_token", None) or self._token  # LiveKit renews it, and has no name for it
            await self._leave(connection)

    async def _join(self) -> Connection:
        connection = Connection(self._make_room(), self._limits.lost_seconds)
        joining = connection.room.connect(self._url, self._token, rtc.RoomOptions(auto_subscribe=False))
        try:
            await asyncio.wait_for(joining, self._limits.join_seconds)
        except BaseException as error:
            await self._leave(connection)
            if not isinstance(error, (rtc.ConnectError, asyncio.TimeoutError)):
                raise
            # Without LiveKit's own words: they may hold the address together with the token.
            refused = isinstance(error, rtc.ConnectError) and UNAUTHORISED in error.message
            raise _NotJoined(refused) from None
        return connection

    async def _join_again(self) -> Connection:
        until = self._now() + self._limits.rejoin_seconds
        while True:
            try:
                return await self._join()
            except _NotJoined as error:
                if error.refused:
                    raise RoomError("The connection was lost, and livekit_token is not valid any more: launch again.") from None
                if self._now() >= until:
                    seconds = f"{self._limits.rejoin_seconds:g} seconds"
                    raise RoomError(f"The connection was lost, and LiveKit's server was not back within {seconds}.") from None
            await self._sleep(AGAIN_SECONDS)

    async def _leave(self, connection: Connection) -> None:
        connection.close()
        try:
            await asyncio.wait_for(connection.room.disconnect(), self._limits.part_seconds)
        except asyncio.TimeoutError:
            logger.warning("A LiveKit room did not let go of its avatar within %g s.", self._limits.part_seconds)


class _NotJoined(RoomError):
    def __init__(self, refused: bool) -> None:
        super().__init__("The LiveKit room cannot be joined: check livekit_url, and that livekit_token is valid there.")
        self.refused = refused

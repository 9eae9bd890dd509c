"""Whether a room is still there. LiveKit's client tries to come back by itself, and may try for minutes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from livekit import rtc

LOST_SECONDS = 5.0  # that LiveKit's client is given: where it comes back at all, it mostly does at once
CLOSED = "The room was closed."
SENTENCES = {
    rtc.DisconnectReason.DUPLICATE_IDENTITY: "Another participant of the same identity took its place in the room.",
    rtc.DisconnectReason.PARTICIPANT_REMOVED: "It was removed from the room.",
}
# What happens to a server or to the way to it, and says nothing of the room.
PASSING = frozenset({
    rtc.DisconnectReason.SERVER_SHUTDOWN, rtc.DisconnectReason.STATE_MISMATCH, rtc.DisconnectReason.JOIN_FAILURE,
    rtc.DisconnectReason.MIGRATION, rtc.DisconnectReason.SIGNAL_CLOSE, rtc.DisconnectReason.CONNECTION_TIMEOUT,
    rtc.DisconnectReason.MEDIA_FAILURE, rtc.DisconnectReason.UNKNOWN_REASON,
})  # fmt: skip


class Ending(NamedTuple):
    """How a connection to a room ended. lost: the room may well go on, and be joined anew."""

    sentence: str
    lost: bool = False


class Connection:
    """Watches the connection to a room, from before it is joined until :meth:`close`."""

    def __init__(
        self, room: rtc.Room, seconds: float = LOST_SECONDS, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        """seconds: for how long LiveKit's client may try to come back before the connection counts as lost."""
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.steady = True  # it is not about to come back
        self.room, self._seconds, self._sleep = room, seconds, sleep
        self._waiting: asyncio.Task[None] | None = None
        room.on("connection_state_changed", self._on_state)
        room.on("disconnected", self._on_disconnected)
        room.on("local_track_republished", self._on_republished)

    def end(self, sentence: str, *, lost: bool = False) -> None:
        """It is over, for a reason of the room or of whoever watches; what is said first counts."""
        if not self.ended.done():
            self.ended.set_result(Ending(sentence, lost))

    def close(self) -> None:
        """Watch no longer."""
        self.room.off("connection_state_changed", self._on_state)
        self.room.off("disconnected", self._on_disconnected)
        self.room.off("local_track_republished", self._on_republished)
        self._stop_waiting()

    def _on_disconnected(self, reason: rtc.DisconnectReason.ValueType) -> None:
        self.end(SENTENCES.get(reason, CLOSED), lost=reason in PASSING)

    def _on_state(self, state: rtc.ConnectionState.ValueType) -> None:
        self.steady = state != rtc.ConnectionState.CONN_RECONNECTING
        self._stop_waiting()
        if not self.steady:
            self._waiting = asyncio.get_running_loop().create_task(self._wait())

    def _on_republished(self, *_: object) -> None:
        """LiveKit's client has joined anew by itself, and goes on knowing those who have not come back."""
        self.end("LiveKit's server began anew.", lost=True)

    async def _wait(self) -> None:
        await self._sleep(self._seconds)
        self.end(f"LiveKit's server has not answered for {self._seconds:g} seconds.", lost=True)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

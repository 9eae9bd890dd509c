"""When a connection to a room counts as lost, by a clock of the test's own."""

from __future__ import annotations

import asyncio

import pytest

from tests.plugins import need

need("livekit.agents")

from livekit import rtc  # noqa: E402

from bithuman_core.livekit.connection import Connection  # noqa: E402
from examples.offline_room import OfflineRoom  # noqa: E402

RECONNECTING, CONNECTED = rtc.ConnectionState.CONN_RECONNECTING, rtc.ConnectionState.CONN_CONNECTED
REASON = rtc.DisconnectReason


class Waiting:
    """A clock that moves when the test lets it."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.over = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        await self.over.wait()


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_server_that_does_not_come_back_in_time_is_lost() -> None:
    room, clock = OfflineRoom(), Waiting()
    connection = Connection(room.as_room, 5.0, clock.sleep)
    room.emit("connection_state_changed", RECONNECTING)
    await turns()
    assert (clock.asked, connection.steady, connection.ended.done()) == ([5.0], False, False)
    clock.over.set()
    assert (await connection.ended).lost
    assert connection.ended.result().sentence == "LiveKit's server has not answered for 5 seconds."


async def test_one_that_comes_back_in_time_is_not() -> None:
    room, clock = OfflineRoom(), Waiting()
    connection = Connection(room.as_room, 5.0, clock.sleep)
    for state in (RECONNECTING, CONNECTED):
        room.emit("connection_state_changed", state)
        await turns()
    clock.over.set()
    await turns()
    assert connection.steady and not connection.ended.done()


@pytest.mark.parametrize(
    ("reason", "lost", "says"),
    [
        (REASON.SERVER_SHUTDOWN, True, "closed"),
        (REASON.SIGNAL_CLOSE, True, "closed"),
        (REASON.ROOM_DELETED, False, "closed"),
        (REASON.ROOM_CLOSED, False, "closed"),
        (REASON.PARTICIPANT_REMOVED, False, "removed"),
        (REASON.DUPLICATE_IDENTITY, False, "took its place"),
    ],
)
async def test_what_a_disconnection_means(reason: rtc.DisconnectReason.ValueType, lost: bool, says: str) -> None:
    room = OfflineRoom()
    connection = Connection(room.as_room)
    room.emit("disconnected", reason)
    assert connection.ended.result().lost == lost and says in connection.ended.result().sentence


async def test_what_is_no_longer_watched_says_nothing() -> None:
    room, clock = OfflineRoom(), Waiting()
    connection = Connection(room.as_room, 5.0, clock.sleep)
    room.emit("connection_state_changed", RECONNECTING)
    await turns()
    connection.close()
    clock.over.set()
    room.emit("disconnected", REASON.ROOM_DELETED)
    await turns()
    assert not connection.ended.done()

"""A stand-in for a LiveKit server: calls in which an agent and its avatar meet, in one process."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from livekit import rtc

from examples.offline_room import OfflineParticipant, OfflineRoom


class Participant(OfflineParticipant):
    """One side, as both sides see it: its tracks, its byte streams, its methods."""

    state = rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE

    def __init__(self, room: Side, identity: str) -> None:
        super().__init__(room, identity)
        self.attributes: dict[str, str] = {}
        self._side = room
        self._rpc_handlers: dict[str, Callable[[Any], Any]] = {}

    def register_rpc_method(self, name: str, handler: Callable[[Any], Any]) -> None:
        """Be callable by the other side."""
        self._rpc_handlers[name] = handler

    async def perform_rpc(self, *, destination_identity: str, method: str, payload: str) -> str:
        """Call the other side."""
        other = self._side.other(destination_identity).local_participant
        data = rtc.RpcInvocationData("request", self.identity, payload, 1.0, method)
        answer = other._rpc_handlers[method](data)
        return await answer if inspect.isawaitable(answer) else answer

    async def publish_data(self, payload: str, *, reliable: bool, destination_identities: list[str], topic: str) -> None:
        """Tell the other side something."""
        assert reliable
        self._side.other(destination_identities[0]).told.append((topic, payload))

    async def stream_bytes(
        self, name: str, *, topic: str, destination_identities: list[str], attributes: dict[str, str]
    ) -> Stream:
        """Send bytes to the other side."""
        stream = Stream(attributes)
        self._side.other(destination_identities[0]).streams[topic](stream, self.identity)
        return stream


class Stream:
    """Writer and reader of a byte stream in one."""

    def __init__(self, attributes: dict[str, str]) -> None:
        self.info = SimpleNamespace(attributes=attributes, stream_id="stream")
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def write(self, piece: bytes) -> None:
        """Send."""
        self._pieces.put_nowait(piece)

    async def aclose(self) -> None:
        """That was all."""
        self._pieces.put_nowait(None)

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> bytes:
        if (piece := await self._pieces.get()) is None:
            raise StopAsyncIteration
        return piece


class Side(OfflineRoom):
    """The connection of one participant. What the avatar publishes is recorded on the avatar's side."""

    def __init__(self, calls: Calls, identity: str) -> None:
        super().__init__()
        self.local_participant: Participant = Participant(self, identity)
        self.streams: dict[str, Callable[[Any, str], None]] = {}
        self.told: list[tuple[str, str]] = []
        self.call: Call | None = None
        self._calls = calls

    def isconnected(self) -> bool:
        """Whether it is in a call."""
        return self.call is not None

    async def connect(self, url: str, token: str, options: rtc.RoomOptions) -> None:
        """Join the call that the token is for."""
        if self._calls.refusal:
            raise rtc.ConnectError(f"{self._calls.refusal}: {token}")
        if token not in self._calls.open:
            raise rtc.ConnectError(f"refused: {url}/rtc?access_token={token}")
        self._calls.open[token].join(self)

    async def disconnect(self) -> None:
        """Leave."""
        if self.call is not None:
            self.call.leave(self)
        await self.close()

    def register_byte_stream_handler(self, topic: str, handler: Callable[[Any, str], None]) -> None:
        """Take streams of a topic."""
        self.streams[topic] = handler

    def other(self, identity: str) -> Side:
        """Who is in the call under this name."""
        assert self.call is not None
        return next(side for side in self.call.sides if side.local_participant.identity == identity)


class Call:
    """A room with everybody in it."""

    def __init__(self) -> None:
        self.sides: list[Side] = []

    def join(self, side: Side) -> None:
        """Come in."""
        side.call = self
        for other in self.sides:
            for here, there in ((side, other), (other, side)):
                here.remote_participants[there.local_participant.identity] = there.local_participant  # type: ignore[assignment]
                here.emit("participant_active", there.local_participant)
        self.sides.append(side)

    def leave(self, side: Side) -> None:
        """Go out."""
        self.sides.remove(side)
        side.call = None
        for other in self.sides:
            other.emit("participant_disconnected", side.local_participant)


class Calls:
    """The server. The token of a call is its name."""

    def __init__(self) -> None:
        self.open: dict[str, Call] = {}
        self.refusal = ""  # what whoever joins is told
        self.avatars: list[Side] = []

    def agent(self, token: str) -> Side:
        """An agent in a new call; all agents have the same name."""
        side = Side(self, "agent")
        self.open[token] = Call()
        self.open[token].join(side)
        return side

    def make_room(self) -> rtc.Room:
        """A connection for an avatar."""
        self.avatars.append(Side(self, f"avatar-{len(self.avatars) + 1}"))
        return self.avatars[-1].as_room

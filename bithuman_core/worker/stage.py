"""One avatar in one LiveKit room, from joining it to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from livekit import rtc
from livekit.agents import utils
from livekit.agents.types import ATTRIBUTE_PUBLISH_ON_BEHALF
from livekit.agents.voice.avatar import AvatarOptions
from livekit.rtc.data_stream import StreamError
from livekit.rtc.participant import PublishDataError

from bithuman_core.background import Background
from bithuman_core.engine import Fixture
from bithuman_core.livekit import AvatarGenerator, AvatarPublisher
from bithuman_core.livekit.connection import Connection, Ending
from bithuman_core.runtime import AsyncBithuman
from bithuman_core.worker.joining import Door, RoomError, RoomFactory
from bithuman_core.worker.limits import WorkerLimits
from bithuman_core.worker.order import Order
from bithuman_core.worker.voices import AgentsVoice, TracksVoice

__all__ = ["Measure", "Messages", "RoomError", "RoomFactory", "perform"]

logger = logging.getLogger(__name__)

LEFT = "The agent left the room."
TOPIC = "bithuman.{kind}"  # of what the agent is told from outside
Measure = Callable[[float], None]
Messages = asyncio.Queue[tuple[str, str]]  # (kind, text)


async def perform(
    order: Order, background: Background | None, fixture: Fixture, make_room: RoomFactory, limits: WorkerLimits,
    joined: Callable[[], None], messages: Messages, measure: Measure = lambda work: None,
) -> str:  # fmt: skip
    """Be the avatar in the room until whoever it speaks for leaves or the room closes; returns why it ended, a sentence.

    It speaks for the participant that ``order.audio_of`` names; else for the agent that the token names
    (``lk.publish_on_behalf``); else for the first agent in the room. Where the connection is lost it joins anew, and goes on with
    what it was saying. ``joined()`` is called whenever the room has been reached. background: what it stands before; None: its
    own. messages: what the agent is told, as data packets of a topic each. measure: is told the work of each frame, s.

    Raises RoomError where it cannot be, or nobody comes in time. Cancelling leaves the room.
    """
    runtime = AsyncBithuman(fixture, measure=measure)
    visit = _Visit(order, runtime, limits, messages)
    door = Door(order, make_room, limits)
    try:
        if background is not None:
            await runtime.set_background(background)
        while True:
            async with door.open() as connection:
                joined()
                ending = await visit.stay(connection)
            if not ending.lost:
                return ending.sentence
            logger.warning("%s The avatar joins its room anew.", ending.sentence)
    finally:
        await runtime.shutdown()


class _Visit:
    """What an avatar does in its room, as often as it joins it."""

    def __init__(self, order: Order, runtime: AsyncBithuman, limits: WorkerLimits, messages: Messages) -> None:
        self._order, self._runtime, self._limits, self._messages = order, runtime, limits, messages
        self._last: AvatarPublisher | None = None  # of the connection before

    async def stay(self, connection: Connection) -> Ending:
        """Until it is over."""
        room = connection.room
        speaker = await _speaker(connection, self._order.audio_of, self._limits)
        if speaker is None:
            return connection.ended.result()

        def leaves(participant: rtc.RemoteParticipant) -> None:
            # LiveKit's client says so of everybody while it tries to come back.
            if participant.identity == speaker:
                connection.end(LEFT, lost=not connection.steady)

        room.on("participant_disconnected", leaves)
        async with self._publishing(room, speaker) as playing, _telling(room, speaker, self._messages):
            await asyncio.wait([playing, connection.ended], return_when=asyncio.FIRST_COMPLETED)
            return connection.ended.result() if connection.ended.done() else _why(playing, connection, speaker)

    @asynccontextmanager
    async def _publishing(self, room: rtc.Room, speaker: str) -> AsyncIterator[asyncio.Task[None]]:
        generator = AvatarGenerator(self._runtime)
        width, height = generator.video_resolution
        rate = generator.audio_sample_rate
        options = AvatarOptions(width, height, generator.video_fps, rate, audio_channels=1)
        voice = TracksVoice(room, speaker, rate) if self._order.audio_of else AgentsVoice(room, sender_identity=speaker)
        publisher = AvatarPublisher(room, audio_recv=voice, video_gen=generator, options=options)
        broke_off = self._order.again and self._last is None
        if self._last is not None:
            publisher.take_over(self._last)
            await self._runtime.flush()  # what had come of the sentence is all that comes
        self._last = publisher
        playing = asyncio.create_task(_play(publisher, broke_off=broke_off))
        try:
            yield playing
        finally:
            playing.cancel()
            await asyncio.wait([playing])
            await publisher.aclose()


def _why(playing: asyncio.Task[None], connection: Connection, speaker: str) -> Ending:
    """Why publishing ended by itself. Raises what it broke of."""
    if isinstance(playing.exception(), (StreamError, rtc.RpcError)):  # what it spoke for broke off, or does not answer
        gone = speaker not in connection.room.remote_participants
        return Ending(LEFT, lost=not (gone and connection.steady))
    playing.result()
    return Ending("The avatar ended.")


async def _play(publisher: AvatarPublisher, *, broke_off: bool) -> None:
    await publisher.start()
    if broke_off:
        publisher.tell_interrupted()
    await publisher.wait_for_complete()


@asynccontextmanager
async def _telling(room: rtc.Room, agent: str, messages: Messages) -> AsyncIterator[None]:
    """Hand messages on."""
    telling = asyncio.create_task(_tell(room, agent, messages))
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.wait([telling])


async def _tell(room: rtc.Room, agent: str, messages: Messages) -> None:
    while True:
        kind, text = await messages.get()
        topic = TOPIC.format(kind=kind)
        try:
            await room.local_participant.publish_data(text, reliable=True, destination_identities=[agent], topic=topic)
        except PublishDataError as error:
            logger.warning("The agent of a room could not be told something: %s", error.message)


async def _speaker(connection: Connection, named: str | None, limits: WorkerLimits) -> str | None:
    """The identity of whoever it speaks for, or None where the connection ended meanwhile."""
    room = connection.room
    identity = named or room.local_participant.attributes.get(ATTRIBUTE_PUBLISH_ON_BEHALF)
    kind = None if identity else rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
    coming = asyncio.ensure_future(utils.wait_for_participant(room, identity=identity, kind=kind))
    try:
        await asyncio.wait([coming, connection.ended], timeout=limits.agent_seconds, return_when=asyncio.FIRST_COMPLETED)
        if connection.ended.done():
            return None
        if not coming.done():
            who, what = ("Nobody of that name", "it") if named else ("No agent", "the agent")
            raise RoomError(f"{who} came into the room within {limits.agent_seconds:g} seconds: start {what}, then launch.")
        return coming.result().identity
    finally:
        coming.cancel()

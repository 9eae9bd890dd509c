"""One avatar in one LiveKit room, from joining it to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from livekit import rtc
from livekit.agents import utils
from livekit.agents.types import ATTRIBUTE_PUBLISH_ON_BEHALF
from livekit.agents.voice.avatar import AvatarOptions, DataStreamAudioReceiver
from livekit.rtc.participant import PublishDataError

from bithuman_core.background import Background
from bithuman_core.engine import Fixture
from bithuman_core.errors import BithumanError
from bithuman_core.livekit import AvatarGenerator, AvatarPublisher
from bithuman_core.runtime import AsyncBithuman
from bithuman_core.worker.limits import WorkerLimits
from bithuman_core.worker.order import Order

logger = logging.getLogger(__name__)

RPC_CLEAR_BUFFER = "lk.clear_buffer"  # LiveKit's protocol between an agent and its avatar
TOPIC = "bithuman.{kind}"  # of what the agent is told from outside
RoomFactory = Callable[[], rtc.Room]
Measure = Callable[[float], None]
Messages = asyncio.Queue[tuple[str, str]]  # (kind, text)


class RoomError(BithumanError):
    """The room could not be joined, or nobody came."""

    default_code = "ROOM"


class RoomAudioReceiver(DataStreamAudioReceiver):
    """Takes the agent's voice. LiveKit's own keeps the handlers of all rooms of a process in one table by the agent's name:
    where two agents have the same name, the barge-in of one would silence the avatar of the other.
    """

    @classmethod
    def _register_clear_buffer_rpc(
        cls, room: rtc.Room, *, caller_identity: str, handler: Callable[[rtc.RpcInvocationData], str]
    ) -> None:
        room.local_participant.register_rpc_method(RPC_CLEAR_BUFFER, handler)


async def perform(
    order: Order, background: Background | None, fixture: Fixture, make_room: RoomFactory, limits: WorkerLimits,
    joined: Callable[[], None], messages: Messages, measure: Measure = lambda work: None,
) -> str:  # fmt: skip
    """Be the avatar of the agent in the room until the agent leaves or the room closes; returns why it ended, a sentence.

    The agent is the one that the token names (``lk.publish_on_behalf``), else the first in the room. ``joined()`` is called when
    the room has been reached. background: what it stands before; None: its own. messages: what the agent is told, as data
    packets of a topic each. measure: is told the work of each frame, s.

    Raises RoomError where it cannot be, or no agent comes in time. Cancelling leaves the room.
    """
    room, runtime = make_room(), AsyncBithuman(fixture, measure=measure)
    over: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def end(why: str) -> None:
        if not over.done():
            over.set_result(why)

    room.on("disconnected", lambda *_: end("The room was closed."))
    publisher: AvatarPublisher | None = None
    playing: asyncio.Task[None] | None = None
    telling: asyncio.Task[None] | None = None
    try:
        if background is not None:
            await runtime.set_background(background)
        await _connect(room, order, limits)
        joined()
        agent = await _agent(room, over, limits)
        if agent is None:
            return over.result()

        def leaves(participant: rtc.RemoteParticipant) -> None:
            if participant.identity == agent:
                end("The agent left the room.")

        room.on("participant_disconnected", leaves)
        generator = AvatarGenerator(runtime)
        width, height = generator.video_resolution
        options = AvatarOptions(width, height, generator.video_fps, generator.audio_sample_rate, audio_channels=1)
        receiver = RoomAudioReceiver(room, sender_identity=agent)
        publisher = AvatarPublisher(room, audio_recv=receiver, video_gen=generator, options=options)
        playing = asyncio.create_task(_play(publisher))
        telling = asyncio.create_task(_tell(room, agent, messages))
        await asyncio.wait([playing, over], return_when=asyncio.FIRST_COMPLETED)
        if over.done():
            return over.result()
        playing.result()
        return "The avatar ended."
    finally:
        for work in (telling, playing):
            if work is not None:
                work.cancel()
                await asyncio.wait([work])
        if publisher is not None:
            await publisher.aclose()
        await runtime.shutdown()
        await room.disconnect()


async def _play(publisher: AvatarPublisher) -> None:
    await publisher.start()
    await publisher.wait_for_complete()


async def _tell(room: rtc.Room, agent: str, messages: Messages) -> None:
    while True:
        kind, text = await messages.get()
        topic = TOPIC.format(kind=kind)
        try:
            await room.local_participant.publish_data(text, reliable=True, destination_identities=[agent], topic=topic)
        except PublishDataError as error:
            logger.warning("The agent of a room could not be told something: %s", error.message)


async def _connect(room: rtc.Room, order: Order, limits: WorkerLimits) -> None:
    connecting = room.connect(order.livekit_url, order.livekit_token.get_secret_value(), rtc.RoomOptions(auto_subscribe=False))
    try:
        await asyncio.wait_for(connecting, limits.join_seconds)
    except (rtc.ConnectError, asyncio.TimeoutError):
        # Without LiveKit's own words: they may hold the address together with the token.
        raise RoomError("The LiveKit room cannot be joined: check livekit_url, and that livekit_token is valid there.") from None


async def _agent(room: rtc.Room, over: asyncio.Future[str], limits: WorkerLimits) -> str | None:
    """The identity of the agent, or None where the room was closed meanwhile."""
    named = room.local_participant.attributes.get(ATTRIBUTE_PUBLISH_ON_BEHALF)
    kind = None if named else rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
    coming = asyncio.ensure_future(utils.wait_for_participant(room, identity=named, kind=kind))
    try:
        await asyncio.wait([coming, over], timeout=limits.agent_seconds, return_when=asyncio.FIRST_COMPLETED)
        if over.done():
            return None
        if not coming.done():
            raise RoomError(f"No agent came into the room within {limits.agent_seconds:g} seconds: start the agent, then launch.")
        return coming.result().identity
    finally:
        coming.cancel()

"""An avatar beside a LiveKit AgentSession: give it to the session and the agent has a face."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from livekit import rtc
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    AgentSession,
    APIConnectOptions,
    NotGivenOr,
    UserStateChangedEvent,
    utils,
)
from livekit.agents.voice.avatar import AvatarOptions
from livekit.agents.voice.avatar import AvatarSession as BaseAvatarSession

from bithuman_core.errors import BithumanError
from bithuman_core.livekit.connection import Connection, Ending
from bithuman_core.livekit.generator import AvatarGenerator
from bithuman_core.livekit.publisher import AvatarPublisher
from bithuman_core.livekit.voice_output import VoiceOutput
from bithuman_core.runtime import AsyncBithuman

logger = logging.getLogger(__name__)

IDENTITY = "bithuman-avatar-agent"
AWAY = (
    "%s The avatar is not seen until LiveKit's client is back in the agent's room, which it tries by itself; where that takes "
    "too long, end the agent's job, for the room is its own."
)


class BitHumanException(BithumanError):
    """The arguments of an AvatarSession do not fit together."""

    default_code = "AVATAR_SESSION"


class AvatarSession(BaseAvatarSession[Any]):
    """The avatar of an agent, rendered in this process: ``await avatar.start(session, room)`` before ``session.start``.

    It speaks what the agent says, is interrupted with it, goes on after a false interruption, and listens while the user speaks.
    The agent's own participant publishes the tracks (25 fps, one layer, 2 Mbit/s).
    """

    def __init__(
        self,
        *,
        api_url: NotGivenOr[str] = NOT_GIVEN,
        api_secret: NotGivenOr[str] = NOT_GIVEN,
        api_token: NotGivenOr[str] = NOT_GIVEN,
        model: NotGivenOr[str] = NOT_GIVEN,
        model_path: NotGivenOr[str | None] = NOT_GIVEN,
        runtime: NotGivenOr[AsyncBithuman | None] = NOT_GIVEN,
        avatar_image: NotGivenOr[Any] = NOT_GIVEN,
        avatar_id: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        avatar_participant_identity: NotGivenOr[str] = NOT_GIVEN,
        avatar_participant_name: NotGivenOr[str] = NOT_GIVEN,
    ) -> None:
        """All arguments are optional, and the names are those of ``livekit-plugins-bithuman``.

        model_path: an ``.imx`` file (BITHUMAN_MODEL_PATH, else the shipped avatar). runtime: one that is ready, used instead and
        left to the caller: :meth:`aclose` stops it and does not free it, so that the next session may have it.
        api_url, api_secret, api_token: for a token server of one's own, see :meth:`AsyncBithuman.create`; one machine needs none.
        model, conn_options, avatar_participant_*: taken and not needed, the file says what it is and the agent publishes.
        Raises BitHumanException for avatar_image and avatar_id, which ask for a hosted avatar.
        """
        super().__init__()
        if utils.is_given(avatar_image) or utils.is_given(avatar_id):
            raise BitHumanException(
                "avatar_image and avatar_id ask for a hosted avatar, and this one runs on your machine: build an .imx file from "
                "the picture once (bithuman-core build photo.jpg) and pass model_path."
            )
        self._model_path = model_path or None
        self._api_url = api_url or None
        self._api_secret, self._api_token = api_secret or None, api_token or None
        self._lent = bool(runtime)
        self._runtime: AsyncBithuman | None = runtime or None
        self._publisher: AvatarPublisher | None = None
        self._connection: Connection | None = None
        self._identity = avatar_participant_identity or IDENTITY

    @property
    def avatar_identity(self) -> str:
        """Whose tracks the avatar's are: the agent's own participant, once started."""
        return self._identity if self._room is None else self._room.local_participant.identity

    @property
    def provider(self) -> str:
        """The name in LiveKit's metrics."""
        return "bithuman_core"

    @property
    def runtime(self) -> AsyncBithuman:
        """The avatar's runtime, for gestures and emotions. Raises BitHumanException before :meth:`start`."""
        if self._runtime is None:
            raise BitHumanException("The avatar has not been started: await start(session, room) first.")
        return self._runtime

    async def start(
        self,
        agent_session: AgentSession,
        room: rtc.Room,
        *,
        livekit_url: NotGivenOr[str] = NOT_GIVEN,
        livekit_api_key: NotGivenOr[str] = NOT_GIVEN,
        livekit_api_secret: NotGivenOr[str] = NOT_GIVEN,
    ) -> None:
        """Load the avatar and become the session's voice. Call it before ``agent_session.start``.

        The livekit_* arguments are accepted for compatible callers: the room is connected by the agent. Raises ModelError,
        TokenError.
        """
        if self._publisher is not None:
            raise BitHumanException("This AvatarSession has been started already: make a second one for a second room.")
        await super().start(agent_session, room)
        if self._runtime is None:
            self._runtime = await AsyncBithuman.create(
                model_path=self._model_path, api_url=self._api_url, api_secret=self._api_secret, token=self._api_token
            )
        elif self._lent:
            self._runtime._regenerate_transaction_id()
            await self._runtime._initialize_token()
        generator = AvatarGenerator(self._runtime)
        width, height = generator.video_resolution
        voice = VoiceOutput(self._runtime, generator.audio_sample_rate)
        options = AvatarOptions(width, height, generator.video_fps, generator.audio_sample_rate, audio_channels=1)
        self._publisher = AvatarPublisher(room, audio_recv=voice, video_gen=generator, options=options)
        await self._publisher.start()
        agent_session.output.replace_audio_tail(voice)
        agent_session.on("user_state_changed", self._on_user_state)
        self._connection = Connection(room)
        self._connection.ended.add_done_callback(_tell)

    async def aclose(self) -> None:
        """Stop the avatar and free what it holds. Calling it again does nothing."""
        if self._agent_session is not None:
            self._agent_session.off("user_state_changed", self._on_user_state)
        # The base class removes the avatar's participant from the room: here that would be the agent itself.
        if self._connection is not None:
            self._connection.close()
        room, self._room = self._room, None
        if room is not None:
            room.off("connection_state_changed", self._on_connection_state_changed)
        await super().aclose()
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            await publisher.aclose()
        if self._runtime is None:
            return
        if self._lent:
            self._runtime.resume()  # a pause was this session's
            await self._runtime.stop()
        else:
            await self._runtime.shutdown()
            self._runtime = None

    def _on_user_state(self, event: UserStateChangedEvent) -> None:
        if self._runtime is not None:
            self._runtime.set_listening(event.new_state == "speaking")


def _tell(ended: asyncio.Future[Ending]) -> None:
    if not ended.cancelled() and ended.result().lost:
        logger.warning(AWAY, ended.result().sentence)

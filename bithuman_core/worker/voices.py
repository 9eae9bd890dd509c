"""Whose voice an avatar speaks with: what its agent sends, or what somebody in the room says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from livekit import rtc
from livekit.agents.voice.avatar import AudioReceiver, AudioSegmentEnd, DataStreamAudioReceiver

RPC_CLEAR_BUFFER = "lk.clear_buffer"  # LiveKit's protocol between an agent and its avatar


class AgentsVoice(DataStreamAudioReceiver):
    """What the agent sends for its avatar. LiveKit's own class keeps the handlers of all rooms of a process in one table by the
    agent's name: where two agents have the same name, the barge-in of one would silence the avatar of the other.
    """

    @classmethod
    def _register_clear_buffer_rpc(
        cls, room: rtc.Room, *, caller_identity: str, handler: Callable[[rtc.RpcInvocationData], str]
    ) -> None:
        room.local_participant.register_rpc_method(RPC_CLEAR_BUFFER, handler)


class TracksVoice(AudioReceiver):
    """What a participant says into the room, from whichever microphone track it has at the time; nobody is told of its end."""

    def __init__(self, room: rtc.Room, identity: str, sample_rate: int) -> None:
        """sample_rate: of the sound that comes out, Hz."""
        super().__init__()
        self._room, self._identity, self._rate = room, identity, sample_rate
        self._tracks: asyncio.Queue[rtc.Track] = asyncio.Queue()

    async def start(self) -> None:
        """Begin to listen: of everything in the room, to this alone."""
        self._room.on("track_published", self._on_published)
        self._room.on("track_subscribed", self._on_subscribed)
        if (participant := self._room.remote_participants.get(self._identity)) is not None:
            for publication in participant.track_publications.values():
                self._on_published(publication, participant)

    def notify_playback_finished(self, playback_position: float, interrupted: bool) -> None:
        """There is nobody to tell."""

    def notify_playback_started(self) -> None:
        """There is nobody to tell."""

    async def __aiter__(self) -> AsyncIterator[rtc.AudioFrame | AudioSegmentEnd]:
        """Its sound, as it comes; an end where a track ends."""
        while True:
            stream = rtc.AudioStream(await self._tracks.get(), sample_rate=self._rate, num_channels=1)
            try:
                async for event in stream:
                    yield event.frame
            finally:
                await stream.aclose()
            yield AudioSegmentEnd()

    async def aclose(self) -> None:
        """Listen no longer."""
        self._room.off("track_published", self._on_published)
        self._room.off("track_subscribed", self._on_subscribed)

    def _on_published(self, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self._identity and publication.source == rtc.TrackSource.SOURCE_MICROPHONE:
            publication.set_subscribed(True)

    def _on_subscribed(self, track: rtc.Track, _: object, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self._identity and track.kind == rtc.TrackKind.KIND_AUDIO:
            self._tracks.put_nowait(track)

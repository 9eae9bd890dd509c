"""A stand-in for a LiveKit room on one machine: no server, and it records what a listener would get."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, cast

import numpy as np
from livekit import rtc
from numpy.typing import NDArray

from bithuman_core.audio import write_video_with_audio

RATE, FPS = 16_000, 25
SETTLED = 3  # pictures


class OfflinePublication:
    """A published track, to which somebody listens at once."""

    def __init__(self, track: Any, options: rtc.TrackPublishOptions) -> None:
        self.track, self.options = track, options
        self.kind, self.sid, self.name = track.kind, f"TR_{track.name}", track.name

    async def wait_for_subscription(self) -> None:
        """Nothing to wait for."""


class OfflineParticipant:
    """The agent; its tracks go to the recorder."""

    kind = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT

    def __init__(self, room: OfflineRoom, identity: str) -> None:
        self.identity = identity
        self.track_publications: dict[str, OfflinePublication] = {}
        self._room = room

    async def publish_track(self, track: Any, options: rtc.TrackPublishOptions) -> OfflinePublication:
        """Publish, and listen to it."""
        publication = OfflinePublication(track, options)
        self.track_publications[publication.sid] = publication
        self._room.listen(track)
        self._room.emit("local_track_published", publication, track)
        return publication


class OfflineRoom(rtc.EventEmitter[str]):
    """What livekit-agents needs of ``rtc.Room``. ``sound`` and ``pictures`` hold what came out, with the time of each."""

    name = "offline"

    def __init__(self) -> None:
        super().__init__()
        self.local_participant = OfflineParticipant(self, "agent")
        self.remote_participants: dict[str, rtc.RemoteParticipant] = {}
        self.sound: list[tuple[float, NDArray[np.int16]]] = []  # (monotonic seconds, 10 ms at 16 kHz)
        self.pictures: list[tuple[float, NDArray[np.uint8]]] = []  # (monotonic seconds, RGB)
        self._news = asyncio.Event()
        self._listeners: list[asyncio.Task[None]] = []

    @property
    def as_room(self) -> rtc.Room:
        """Itself, where an ``rtc.Room`` is asked for."""
        return cast(rtc.Room, self)

    def isconnected(self) -> bool:
        """Always."""
        return True

    def listen(self, track: Any) -> None:
        """Record a local track."""
        work = self._hear(track) if track.kind == rtc.TrackKind.KIND_AUDIO else self._see(track)
        self._listeners.append(asyncio.create_task(work))

    async def _hear(self, track: rtc.LocalAudioTrack) -> None:
        stream = rtc.AudioStream.from_track(track=track, sample_rate=RATE, num_channels=1)
        try:
            async for event in stream:
                self.sound.append((time.monotonic(), np.frombuffer(event.frame.data, np.int16).copy()))
                self._news.set()
        finally:
            await stream.aclose()

    async def _see(self, track: rtc.LocalVideoTrack) -> None:
        stream = rtc.VideoStream.from_track(track=track, format=rtc.VideoBufferType.RGB24)
        try:
            async for event in stream:
                frame = event.frame
                picture = np.frombuffer(frame.data, np.uint8).reshape(frame.height, frame.width, 3)
                self.pictures.append((time.monotonic(), picture))
                self._news.set()
        finally:
            await stream.aclose()

    @property
    def heard(self) -> NDArray[np.int16]:
        """All blocks of 10 ms that are not silence, one after the other, int16 [n]."""
        return np.concatenate([np.zeros(0, np.int16), *(block for _, block in self.sound if block.any())])

    async def hear(self, samples: int) -> None:
        """Return when so many samples have been heard."""
        while self.heard.size < samples:
            self._news.clear()
            await self._news.wait()

    async def settle(self) -> None:
        """Return when what was sent so far has come: sound lies on its way for some milliseconds, no longer than pictures do."""
        seen = len(self.pictures)
        while len(self.pictures) < seen + SETTLED:
            self._news.clear()
            await self._news.wait()

    def write(self, path: str | Path) -> None:
        """Write what was seen and heard as an MP4, each picture where it was shown."""
        begin, end = self.pictures[0][0], self.pictures[-1][0]
        times = np.array([at for at, _ in self.pictures])
        shown = np.searchsorted(times, np.arange(begin, end, 1 / FPS), "right") - 1
        sound = np.zeros(int((end - begin) * RATE), np.int16)
        at = 0
        for when, block in self.sound:
            at = max(at, int((when - begin) * RATE) if when - begin - at / RATE > 0.05 else at)
            part = sound[at : at + block.size]
            part[:] = block[: part.size]
            at += block.size
        write_video_with_audio(path, (self.pictures[i][1] for i in shown), sound, RATE)

    async def close(self) -> None:
        """Stop recording."""
        for listener in self._listeners:
            listener.cancel()
        if self._listeners:
            await asyncio.wait(self._listeners)

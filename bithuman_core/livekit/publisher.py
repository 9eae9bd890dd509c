"""LiveKit's AvatarRunner with the lips on the voice, and with publishing options that suit a face."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine

from livekit import rtc
from livekit.agents.voice.avatar import AudioReceiver, AvatarOptions, AvatarRunner, VideoGenerator

MAX_BITRATE = 2_000_000  # bits a second: a 512 px face in motion without blocks
QUEUE_MS = 100  # of sound in the source: LiveKit's own figure


STREAM = "avatar"  # tracks of one name are played in time with each other by whoever gets them; without one they drift apart


def voice_options() -> rtc.TrackPublishOptions:
    """For the sound that goes with the pictures of :func:`publish_options`."""
    return rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, stream=STREAM)


def publish_options(fps: float) -> rtc.TrackPublishOptions:
    """One layer: simulcast would start everybody on a small, blurred one and cost the encoder three times the work."""
    return rtc.TrackPublishOptions(
        source=rtc.TrackSource.SOURCE_CAMERA,
        stream=STREAM,
        simulcast=False,
        video_encoding=rtc.VideoEncoding(max_framerate=fps, max_bitrate=MAX_BITRATE),
    )


class VoiceLedSynchronizer(rtc.AVSynchronizer):
    """Shows each picture at the moment at which its sound leaves the source's queue.

    Push the sound of a tick, then its picture. LiveKit's own synchronizer shows pictures on a clock of their own: once sound has
    queued up behind a stall (up to 100 ms), the mouth leads the voice for the rest of the sentence. Pictures without sound are
    shown at once, in their order. now, sleep: the machine's clock, or a test's.
    """

    def __init__(
        self, *, audio_source: rtc.AudioSource, video_source: rtc.VideoSource, video_fps: float,
        now: Callable[[], float] = time.monotonic, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._now, self._sleep = now, sleep
        self._voice_ends = 0.0  # when the queue of the source runs dry
        self._begins: float | None = None  # when the sound pushed last is heard, until its picture comes
        self._pushing = asyncio.Lock()
        self._waiting: asyncio.Future[None] | None = None  # for the moment of a picture
        self._pictures: asyncio.Queue[tuple[rtc.VideoFrame, float]] = asyncio.Queue(max(1, int(video_fps * QUEUE_MS / 1000)))
        super().__init__(audio_source=audio_source, video_source=video_source, video_fps=video_fps, video_queue_size_ms=QUEUE_MS)

    async def push(self, frame: rtc.VideoFrame | rtc.AudioFrame, timestamp: float | None = None) -> None:
        """Take the sound of a tick or its picture; waits while the queues are full."""
        async with self._pushing:
            if isinstance(frame, rtc.AudioFrame):
                self._begins = max(self._now(), self._voice_ends)
                self._voice_ends = self._begins + frame.samples_per_channel / frame.sample_rate
                await self._audio_source.capture_frame(frame)
            else:
                due, self._begins = self._begins, None
                await self._pictures.put((frame, self._now() if due is None else due))

    async def clear_queue(self) -> None:
        """Drop what waits, and return when no push is at work any more."""
        self._audio_source.clear_queue()
        while not self._pictures.empty():
            self._pictures.get_nowait()
        if self._waiting is not None:
            self._waiting.cancel()
        async with self._pushing:
            self._voice_ends, self._begins = 0.0, None

    async def _capture_video(self) -> None:
        """LiveKit's base class runs this as its task."""
        while True:
            frame, due = await self._pictures.get()
            if (wait := due - self._now()) > 0:
                self._waiting = asyncio.ensure_future(self._sleep(wait))
                try:
                    await asyncio.wait([self._waiting])
                finally:
                    self._waiting.cancel()
                if self._waiting.cancelled():  # by a barge-in: the picture belongs to words that nobody hears
                    continue
            self._video_source.capture_frame(frame)


class AvatarPublisher(AvatarRunner):
    """Publishes the avatar's tracks when its first frame comes, in sync, 25 fps, one layer, 2 Mbit/s."""

    def __init__(self, room: rtc.Room, *, audio_recv: AudioReceiver, video_gen: VideoGenerator, options: AvatarOptions) -> None:
        super().__init__(room, audio_recv=audio_recv, video_gen=video_gen, options=options, _queue_size_ms=QUEUE_MS)
        self._read_audio_atask = None  # LiveKit makes it in start(), and aclose() asks for it also where that was cut off
        self._replaced = self._av_sync
        self._av_sync = VoiceLedSynchronizer(
            audio_source=self._audio_source, video_source=self._video_source, video_fps=options.video_fps
        )

    async def start(self) -> None:
        """Begin to take sound and to publish."""
        await self._replaced.aclose()
        await super().start()

    def take_over(self, other: AvatarPublisher) -> None:
        """Go on with what another publisher, now closed, was saying of the same runtime: its end is reported as one."""
        self._audio_playing, self._playback_position = other._audio_playing, other._playback_position

    def tell_interrupted(self) -> None:
        """Another avatar broke off before this one came: who waits for the end of its sentence waits no longer."""
        self._audio_recv.notify_playback_finished(playback_position=0.0, interrupted=True)

    async def _publish_track(self) -> None:
        """Both tracks first, then the wait for a listener: who only looks sees the face at once."""
        async with self._lock:
            await self._room_connected_fut
            participant = self._room.local_participant
            voice = rtc.LocalAudioTrack.create_audio_track("avatar_audio", self._audio_source)
            self._audio_publication = await participant.publish_track(voice, voice_options())
            face = rtc.LocalVideoTrack.create_video_track("avatar_video", self._video_source)
            self._video_publication = await participant.publish_track(face, publish_options(self._options.video_fps))
            await self._audio_publication.wait_for_subscription()

    def _on_clear_buffer(self) -> None:
        """Barge-in: also what has left the avatar and is not heard yet is dropped, before the end is reported."""
        playing, self._audio_playing = self._audio_playing, False
        cleared = self._video_gen.clear_buffer()
        task = asyncio.create_task(self._end_interrupted(playing, cleared))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end_interrupted(self, playing: bool, cleared: Coroutine[None, None, None] | None) -> None:
        if cleared is not None:
            await cleared
        unheard = self._audio_source.queued_duration
        # Only when no push is at work any more the position is final: the next utterance has to start at zero to be announced.
        await self._av_sync.clear_queue()
        position, self._playback_position = max(self._playback_position - unheard, 0.0), 0.0
        if not playing:
            return
        told = self._audio_recv.notify_playback_finished(playback_position=position, interrupted=True)
        if asyncio.iscoroutine(told):
            await told

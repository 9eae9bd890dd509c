"""The avatar as two tracks to publish in a room oneself, where no AgentSession is at work."""

from __future__ import annotations

import asyncio
import logging

from livekit import rtc

from bithuman_core.livekit.generator import audio_frame, video_frame
from bithuman_core.livekit.publisher import QUEUE_MS, VoiceLedSynchronizer, publish_options, voice_options
from bithuman_core.runtime import AsyncBithuman
from bithuman_core.runtime.pairing import partner
from bithuman_core.timing import FPS, SAMPLE_RATE

logger = logging.getLogger(__name__)


class BitHumanAudioTrack(rtc.LocalAudioTrack):
    """The voice that goes with a :class:`BitHumanVideoTrack`: mono, 16 kHz.

    Publish it with :attr:`options`, so that it is played in time with the pictures.

    video: the track it belongs to; left out, it is the one made last in the same task that has no voice yet (or the next one).
    """

    options = voice_options()

    def __init__(self, video: BitHumanVideoTrack | None = None, *, name: str = "avatar_audio") -> None:
        self.source = rtc.AudioSource(SAMPLE_RATE, 1, queue_size_ms=QUEUE_MS)
        self.__dict__.update(vars(rtc.LocalAudioTrack.create_audio_track(name, self.source)))
        video = video or partner(self, BitHumanVideoTrack)
        if video is not None:
            video.voice = self


class BitHumanVideoTrack(rtc.LocalVideoTrack):
    """The pictures of ``runtime``, from now on, 25 a second. Needs a running event loop, and to be its only consumer.

    Publish it with :attr:`options` (one layer, 2 Mbit/s), make a :class:`BitHumanAudioTrack` as well, and ``await aclose()`` at
    the end; the runtime stays the caller's.
    """

    options = publish_options(FPS)

    def __init__(self, runtime: AsyncBithuman, *, name: str = "avatar_video") -> None:
        self.source = rtc.VideoSource(*runtime.get_frame_size())
        self.__dict__.update(vars(rtc.LocalVideoTrack.create_video_track(name, self.source)))
        self.voice: BitHumanAudioTrack | None = partner(self, BitHumanAudioTrack)
        self._runtime = runtime
        self._task = asyncio.get_running_loop().create_task(self._live())
        self._task.add_done_callback(self._ended)

    async def aclose(self) -> None:
        """Stop and free both tracks."""
        self._task.cancel()
        await asyncio.wait([self._task])
        await self.source.aclose()
        if self.voice is not None:
            await self.voice.source.aclose()

    async def _live(self) -> None:
        synchronizer: VoiceLedSynchronizer | None = None
        try:
            async for frame in self._runtime.run():
                if frame.bgr_image is None:
                    continue
                if self.voice is None:
                    self.source.capture_frame(video_frame(frame.bgr_image))
                    continue
                if synchronizer is None:
                    synchronizer = VoiceLedSynchronizer(audio_source=self.voice.source, video_source=self.source, video_fps=FPS)
                if frame.audio_chunk is not None:
                    await synchronizer.push(audio_frame(frame.audio_chunk))
                await synchronizer.push(video_frame(frame.bgr_image))
        finally:
            if synchronizer is not None:
                await synchronizer.aclose()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("The avatar's tracks broke.", exc_info=error)

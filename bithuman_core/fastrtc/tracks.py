"""The avatar as two tracks of aiortc, for peer connections of one's own."""

from __future__ import annotations

import asyncio
import logging
from fractions import Fraction

import av
import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from numpy.typing import NDArray

from bithuman_core.fastrtc.media.lip_sync_delay import VOICE_RATE, UpsampledVoice
from bithuman_core.runtime import AsyncBithuman
from bithuman_core.runtime.pairing import partner
from bithuman_core.timing import FPS
from bithuman_core.types import AudioChunk, VideoFrame

logger = logging.getLogger(__name__)

VIDEO_CLOCK = 90_000  # Hz, of RTP's video time stamps
PACKET = VOICE_RATE // 50  # samples: 20 ms, what one Opus packet holds
WAITING = 2  # ticks that wait for a peer connection that is slow; the oldest ones go


class BitHumanAudioTrack(MediaStreamTrack):
    """The voice that goes with a :class:`BitHumanVideoTrack`: mono, 48 kHz, 20 ms a frame, silence while nothing is said.

    video: the track it belongs to; left out, it is the one made last in the same task that has no voice yet (or the next one).
    """

    kind = "audio"

    def __init__(self, video: BitHumanVideoTrack | None = None) -> None:
        super().__init__()
        self._upsampler = UpsampledVoice()
        self._packets: asyncio.Queue[NDArray[np.int16] | None] = asyncio.Queue()
        self._samples = 0
        self._video = video or partner(self, BitHumanVideoTrack)
        if self._video is not None:
            self._video.voice = self

    def push(self, chunk: AudioChunk | None) -> None:
        """40 ms at 16 kHz: the sound of one frame, None for silence."""
        samples = None if chunk is None else np.zeros(VOICE_RATE // FPS // 3, np.int16)
        if samples is not None and chunk is not None:
            samples[: chunk.array.size] = chunk.array
        for packet in self._upsampler.push(samples).reshape(-1, PACKET):
            self._packets.put_nowait(packet)
        while self._packets.qsize() > WAITING * (VOICE_RATE // FPS // PACKET):
            self._packets.get_nowait()
            self._samples += PACKET  # what is left out stays a gap in time

    async def recv(self) -> av.AudioFrame:
        """The next 20 ms. Raises MediaStreamError when the track has ended."""
        if self._video is not None:
            self._video.begin()
        packet = None if self.readyState == "ended" else await self._packets.get()
        if packet is None:
            raise MediaStreamError
        frame = av.AudioFrame.from_ndarray(packet.reshape(1, -1), "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = VOICE_RATE, self._samples, Fraction(1, VOICE_RATE)
        self._samples += PACKET
        return frame

    def stop(self) -> None:
        """End the track."""
        super().stop()
        self._packets.put_nowait(None)


class BitHumanVideoTrack(MediaStreamTrack):
    """The pictures of ``runtime`` at 25 a second, as its only consumer. The runtime stays the caller's.

    Make a :class:`BitHumanAudioTrack` as well, or the avatar is not heard.
    """

    kind = "video"

    def __init__(self, runtime: AsyncBithuman) -> None:
        super().__init__()
        self._runtime = runtime
        self._frames: asyncio.Queue[VideoFrame | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.voice: BitHumanAudioTrack | None = partner(self, BitHumanAudioTrack)
        if self.voice is not None:
            self.voice._video = self

    def begin(self) -> None:
        """Start to live; the first ``recv`` of either track does it."""
        if self._task is None and self.readyState == "live":
            self._task = asyncio.create_task(self._live())

    async def recv(self) -> av.VideoFrame:
        """The next picture, bgr24. Raises MediaStreamError when the track or the runtime has ended."""
        self.begin()
        made = None if self.readyState == "ended" else await self._frames.get()
        if made is None or made.bgr_image is None:
            raise MediaStreamError
        frame = av.VideoFrame.from_ndarray(made.bgr_image, "bgr24")
        frame.pts, frame.time_base = made.frame_index * VIDEO_CLOCK // FPS, Fraction(1, VIDEO_CLOCK)
        return frame

    def stop(self) -> None:
        """End both tracks; the runtime can then be run by somebody else."""
        super().stop()
        if self._task is not None:
            self._task.cancel()
        self._end()

    async def _live(self) -> None:
        try:
            async for frame in self._runtime.run():
                if self.voice is not None:
                    self.voice.push(frame.audio_chunk)
                self._frames.put_nowait(frame)
                if self._frames.qsize() > WAITING:
                    self._frames.get_nowait()
        finally:
            self._end()

    def _end(self) -> None:
        self._frames.put_nowait(None)
        if self.voice is not None:
            self.voice.stop()

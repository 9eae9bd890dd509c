"""LiveKit's VideoGenerator: the agent's voice in, the avatar's pictures and the same voice out."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
from livekit import rtc
from livekit.agents.voice.avatar import AudioSegmentEnd, VideoGenerator
from numpy.typing import NDArray

from bithuman_core.render.planes import to_planes
from bithuman_core.runtime import AsyncBithuman
from bithuman_core.types import AudioChunk


def video_frame(bgr: NDArray[np.uint8]) -> rtc.VideoFrame:
    """BGR uint8 [h, w, 3] as LiveKit's I420, which its encoder takes as it is; as RGB24 where a side is odd."""
    height, width, _ = bgr.shape
    if height % 2 or width % 2:
        return rtc.VideoFrame(width, height, rtc.VideoBufferType.RGB24, np.ascontiguousarray(bgr[:, :, ::-1]).tobytes())
    data = bytearray(height * width * 3 // 2)
    whole, part = np.frombuffer(data, np.uint8), height * width // 4
    y = whole[: 4 * part].reshape(height, width)
    u, v = (plane.reshape(height // 2, width // 2) for plane in (whole[4 * part : 5 * part], whole[5 * part :]))
    to_planes(np.ascontiguousarray(bgr).reshape(height, -1), y, u, v, width)
    return rtc.VideoFrame(width, height, rtc.VideoBufferType.I420, data)


def audio_frame(chunk: AudioChunk) -> rtc.AudioFrame:
    """A frame's sound as LiveKit's, mono int16."""
    return rtc.AudioFrame(chunk.bytes, chunk.sample_rate, 1, chunk.array.size)


class AvatarGenerator(VideoGenerator):
    """Hands sound to ``runtime`` and its frames to LiveKit: of every tick the sound first, then the picture that shows it."""

    def __init__(self, runtime: AsyncBithuman) -> None:
        self._runtime = runtime

    @property
    def video_resolution(self) -> tuple[int, int]:
        """(width, height), px."""
        return self._runtime.get_frame_size()

    @property
    def video_fps(self) -> int:
        """Frames a second."""
        return self._runtime.settings.FPS

    @property
    def audio_sample_rate(self) -> int:
        """Rate of the sound that comes out, Hz."""
        return self._runtime.settings.INPUT_SAMPLE_RATE

    async def push_audio(self, frame: rtc.AudioFrame | AudioSegmentEnd) -> None:
        """Speak a frame of any rate and channel count; an AudioSegmentEnd ends the utterance."""
        if isinstance(frame, AudioSegmentEnd):
            await self._runtime.flush()
            return
        samples = np.frombuffer(frame.data, np.int16).reshape(-1, frame.num_channels)
        await self._runtime.push_audio(samples if frame.num_channels > 1 else samples[:, 0], frame.sample_rate, last_chunk=False)

    def clear_buffer(self) -> None:
        """Barge-in: what has not been shown is dropped."""
        self._runtime.interrupt()

    async def __aiter__(self) -> AsyncIterator[rtc.VideoFrame | rtc.AudioFrame | AudioSegmentEnd]:
        """Frames until the runtime ends, in pace."""
        async for frame in self._runtime.run():
            if frame.audio_chunk is not None:
                yield audio_frame(frame.audio_chunk)
            if frame.bgr_image is not None:
                yield video_frame(frame.bgr_image)
            if frame.end_of_speech:
                yield AudioSegmentEnd()

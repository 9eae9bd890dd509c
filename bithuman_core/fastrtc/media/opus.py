"""Sound on its way through aiortc and FastRTC, as the avatar makes and hears it: mono, and no more of it than speech has.

Their own parts carry music: stereo at 48 kHz, resampled on either side, 20 ms a packet. Speech of 16 kHz loses nothing here, and
the sound of a visitor costs the server less than half.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Awaitable, Callable
from fractions import Fraction
from typing import Any

import av
import numpy as np
from aiortc.codecs import get_decoder
from aiortc.codecs.opus import SAMPLE_RATE as OPUS_RATE
from aiortc.codecs.opus import OpusDecoder, OpusEncoder
from av import AudioCodecContext
from av.error import FFmpegError
from av.frame import Frame
from numpy.typing import NDArray

from bithuman_core.timing import FPS, SAMPLE_RATE, SAMPLES_PER_TICK

logger = logging.getLogger(__name__)

TICK_MS = 1000 // FPS
BIT_RATE = 48_000  # bits a second: Opus carries wideband speech without audible loss from 32,000 on (RFC 7587, 3.1.1)
# The default of 10 weighs every packet twice (a speech and a music model) for three times the work.
OPTIONS = {"application": "audio", "frame_duration": str(TICK_MS), "compression_level": "5"}


class VoiceEncoder(OpusEncoder):
    """One packet a tick of the avatar's voice; any other sound goes aiortc's way."""

    def __init__(self) -> None:
        super().__init__()
        self._voice = AudioCodecContext.create("libopus", "w")
        self._voice.format, self._voice.layout, self._voice.sample_rate = "s16", "mono", SAMPLE_RATE
        self._voice.bit_rate, self._voice.time_base, self._voice.options = BIT_RATE, Fraction(1, SAMPLE_RATE), OPTIONS
        self._first: int | None = None

    def encode(self, frame: Frame, force_keyframe: bool = False) -> tuple[list[bytes], int]:
        """The packets of a frame, and the time of the first one in 48 kHz (which Opus counts in whatever it carries)."""
        assert isinstance(frame, av.AudioFrame)
        if (frame.sample_rate, frame.samples, frame.layout.nb_channels) != (SAMPLE_RATE, SAMPLES_PER_TICK, 1):
            return super().encode(frame, force_keyframe)
        packets = self._voice.encode(frame)
        time = packets[0].pts or 0
        if self._first is None:
            self._first = time  # below 0: the codec looks ahead
        return [bytes(packet) for packet in packets], (time - self._first) * OPUS_RATE // SAMPLE_RATE


class MicrophoneDecoder(OpusDecoder):
    """A visitor's sound in mono, whatever they sent."""

    def __init__(self) -> None:
        super().__init__()
        self.codec.layout = "mono"


def decode_arriving(
    loop: asyncio.AbstractEventLoop,
    arriving: queue.Queue[Any],
    decoded: asyncio.Queue[Frame | None],
    failed: threading.Event,
) -> None:
    """A receiver's thread: decodes what arrives until None does, and hands it to the event loop.

    aiortc's own starts a task of the loop for every frame, which costs more than to decode it.
    """
    codec, decoder, told = None, None, False
    while (task := arriving.get()) is not None:
        named, encoded = task
        if decoder is None or named.name != codec:
            codec, decoder = named.name, get_decoder(named)
        try:
            frames = decoder.decode(encoded)
        except FFmpegError as error:
            if not told:  # once a connection: whoever sends rubbish sends much
                logger.warning("A packet of %s could not be decoded (others are left out without a word): %s", codec, error)
                told = True
            failed.set()
            continue
        for frame in frames:
            loop.call_soon_threadsafe(decoded.put_nowait, frame)
    loop.call_soon_threadsafe(decoded.put_nowait, None)


async def hand_on(
    emit: Callable[[], Awaitable[tuple[int, NDArray[np.int16]]]],
    waiting: asyncio.Queue[av.AudioFrame],
    ended: asyncio.Event,
    *_given: object,
) -> None:
    """What a handler emits, (rate, int16 [1, n]), as frames for the track: FastRTC's own goes by way of floats and stereo."""
    samples = 0
    while not ended.is_set():
        rate, sound = await emit()
        frame = av.AudioFrame.from_ndarray(sound, "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, samples, Fraction(1, rate)
        samples += frame.samples
        waiting.put_nowait(frame)

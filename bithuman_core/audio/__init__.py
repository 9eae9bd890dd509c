"""Samples in and out: any-rate input to 16 kHz ticks, log-mel, files."""

from bithuman_core.audio.file import load_audio, write_video, write_video_with_audio
from bithuman_core.audio.resample import StreamResampler, resample
from bithuman_core.audio.tick_queue import Tick, TickQueue
from bithuman_core.pcm import float32_to_int16, int16_to_float32
from bithuman_core.types import AudioChunk

__all__ = [
    "AudioChunk",
    "StreamResampler",
    "Tick",
    "TickQueue",
    "float32_to_int16",
    "int16_to_float32",
    "load_audio",
    "resample",
    "write_video",
    "write_video_with_audio",
]

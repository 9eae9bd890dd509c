"""Samples in and out: any-rate input to 16 kHz ticks, log-mel, files.

Reading and writing files is imported on first use: FFmpeg's libraries are not needed to run a session.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bithuman_core.audio.resample import StreamResampler, resample
from bithuman_core.audio.tick_queue import Tick, TickQueue
from bithuman_core.pcm import float32_to_int16, int16_to_float32
from bithuman_core.types import AudioChunk

if TYPE_CHECKING:
    from bithuman_core.audio.file import AudioFile, load_audio, write_video, write_video_with_audio

__all__ = [
    "AudioChunk",
    "AudioFile",
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


def __getattr__(name: str) -> Any:
    if name not in ("AudioFile", "load_audio", "write_video", "write_video_with_audio"):
        raise AttributeError(f"module 'bithuman_core.audio' has no attribute {name!r}")
    return getattr(import_module("bithuman_core.audio.file"), name)

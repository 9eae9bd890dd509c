"""Lifelike talking avatars: speech in, a living face out, on an ordinary CPU.

The names below are imported on first use, so that a single room (say ``bithuman_core.imx``) can be used without paying for
the compiler of the renderer and the runtime of the speech net.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bithuman_core.engine import Engine, Fixture
    from bithuman_core.errors import BithumanError
    from bithuman_core.runtime import AsyncBithuman
    from bithuman_core.types import AudioChunk, Emotion, EmotionPrediction, VideoControl, VideoFrame

__version__ = "0.1.0"

__all__ = [
    "AsyncBithuman",
    "AudioChunk",
    "BithumanError",
    "Emotion",
    "EmotionPrediction",
    "Engine",
    "Fixture",
    "VideoControl",
    "VideoFrame",
    "__version__",
]

_HOME = {
    "AsyncBithuman": "runtime",
    "BithumanError": "errors",
    "Engine": "engine",
    "Fixture": "engine",
    **dict.fromkeys(("AudioChunk", "Emotion", "EmotionPrediction", "VideoControl", "VideoFrame"), "types"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'bithuman_core' has no attribute {name!r}")
    return getattr(import_module(f"bithuman_core.{_HOME[name]}"), name)

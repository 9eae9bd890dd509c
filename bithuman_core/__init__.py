"""Lifelike talking avatars: speech in, a living face out, on an ordinary CPU.

The names below are imported on first use, so that a single room (say ``bithuman_core.imx``) can be used without paying for
the compiler of the renderer and the runtime of the speech net.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# Before onnxruntime is imported, whichever module of ours comes first: its newer builds report to their maker. Nothing leaves
# the machine.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

if TYPE_CHECKING:
    from bithuman_core.engine import Engine, Fixture
    from bithuman_core.errors import (
        AccountStatusError,
        AudioError,
        AvatarError,
        BithumanError,
        Failed,
        InvalidAvatar,
        ModelError,
        ModelLoadError,
        ModelNotFoundError,
        ModelSecurityError,
        MotionError,
        NotAuthorised,
        NotSupported,
        RuntimeNotReadyError,
        TokenError,
        TokenExpiredError,
        TokenRequestError,
        TokenValidationError,
    )
    from bithuman_core.runtime import AsyncBithuman, Avatar, Bithuman, ComposedFrame, Runtime, open
    from bithuman_core.types import AudioChunk, Emotion, EmotionPrediction, VideoControl, VideoFrame

__version__ = "0.1.0"

_HOME = {
    **dict.fromkeys(("Engine", "Fixture"), "engine"),
    **dict.fromkeys(("AsyncBithuman", "Avatar", "Bithuman", "ComposedFrame", "Runtime", "open"), "runtime"),
    **dict.fromkeys(("AudioChunk", "Emotion", "EmotionPrediction", "VideoControl", "VideoFrame"), "types"),
    **dict.fromkeys(
        (
            "AccountStatusError", "AudioError", "AvatarError", "BithumanError", "Failed", "InvalidAvatar", "ModelError",
            "ModelLoadError", "ModelNotFoundError", "ModelSecurityError", "MotionError", "NotAuthorised", "NotSupported",
            "RuntimeNotReadyError", "TokenError", "TokenExpiredError", "TokenRequestError", "TokenValidationError",
        ),
        "errors",
    ),
}  # fmt: skip

__all__ = [
    "AccountStatusError",
    "AsyncBithuman",
    "AudioChunk",
    "AudioError",
    "Avatar",
    "AvatarError",
    "Bithuman",
    "BithumanError",
    "ComposedFrame",
    "Emotion",
    "EmotionPrediction",
    "Engine",
    "Failed",
    "Fixture",
    "InvalidAvatar",
    "ModelError",
    "ModelLoadError",
    "ModelNotFoundError",
    "ModelSecurityError",
    "MotionError",
    "NotAuthorised",
    "NotSupported",
    "Runtime",
    "RuntimeNotReadyError",
    "TokenError",
    "TokenExpiredError",
    "TokenRequestError",
    "TokenValidationError",
    "VideoControl",
    "VideoFrame",
    "__version__",
    "open",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'bithuman_core' has no attribute {name!r}")
    return getattr(import_module(f"bithuman_core.{_HOME[name]}"), name)

"""A face for a FastRTC app: its handler goes on hearing and answering, and an avatar speaks the answers."""

from __future__ import annotations

from pathlib import Path

from fastrtc import AsyncAudioVideoStreamHandler, AsyncStreamHandler, AudioVideoStreamHandler, StreamHandler

from bithuman_core.engine import Fixture
from bithuman_core.fastrtc.avatar_engine import AvatarEngine, AvatarState
from bithuman_core.fastrtc.reply.handler import AvatarReplyHandler
from bithuman_core.fastrtc.steady_time import keep_time
from bithuman_core.runtime.controls import load_avatar
from bithuman_core.settings import settings


def with_avatar(
    handler: StreamHandler | AsyncStreamHandler, avatar: str | Path | Fixture | None = None
) -> AvatarReplyHandler:  # fmt: skip
    """Give an audio handler a face: ``Stream(with_avatar(ReplyOnPause(answer), "mara.imx"), modality="audio-video")``.

    handler: ReplyOnPause, ReplyOnStopWords, or a StreamHandler or AsyncStreamHandler of your own. It works as it does without
    a face; what it says is spoken by the avatar and heard with the picture that shows it, at the handler's output_sample_rate.
    avatar: an ``.imx`` file, or one that is loaded already; left out, the one of BITHUMAN_MODEL_PATH, else the shipped Mara.
    It is loaded here, once, and shared by all connections.
    Raises TypeError for what is no audio handler, ModelError for what is no avatar.
    """
    if isinstance(handler, AudioVideoStreamHandler | AsyncAudioVideoStreamHandler):
        raise TypeError(f"{type(handler).__name__} gives pictures of its own: with_avatar() takes a handler of sound alone.")
    if not isinstance(handler, StreamHandler | AsyncStreamHandler):
        kind = f"the class {handler.__name__}" if isinstance(handler, type) else f"an object of type {type(handler).__name__}"
        raise TypeError(f"with_avatar() takes a FastRTC audio handler such as ReplyOnPause(answer), not {kind}.")
    keep_time()
    fixture = avatar if isinstance(avatar, Fixture) else load_avatar(avatar, settings().OUTPUT_WIDTH)
    return AvatarReplyHandler(handler, lambda: AvatarEngine(AvatarState(fixture)))

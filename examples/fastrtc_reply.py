"""A FastRTC app with a face: the avatar says back what you say.

    python -m examples.fastrtc_reply [avatar.imx]      then open the printed address

FastRTC fetches its pause detector once; after that nothing needs a network.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import Any

import numpy as np
from fastrtc import ReplyOnPause, Stream
from numpy.typing import NDArray

from bithuman_core.fastrtc import with_avatar

Sound = tuple[int, NDArray[np.int16]]  # Hz, int16 [1, n]


def answer(heard: Sound) -> Generator[Sound, None, None]:
    """Yours: speech to text, a language model, a voice."""
    yield heard


def app(avatar: str | None = None, **options: Any) -> Stream:
    """options: of ReplyOnPause."""
    return Stream(with_avatar(ReplyOnPause(answer, **options), avatar), modality="audio-video", mode="send-receive")


if __name__ == "__main__":
    app(*sys.argv[1:2]).ui.launch()

"""Pictures of an avatar for those who have not met it yet: a still for its card, and a short video of it idling."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from bithuman_core.engine import Engine, Fixture
from bithuman_core.files import replacing
from bithuman_core.timing import FPS

WARM_UP_TICKS = 5  # until the eyes and the head have settled
IDLE_TICKS = 5 * FPS // 2  # shown forwards and backwards, so that the loop has no seam


def still(fixture: Fixture) -> bytes:
    """A WebP picture of the avatar at rest."""
    engine = Engine(fixture)
    frame = [engine.step(None).frame for _ in range(WARM_UP_TICKS)][-1]
    picture = io.BytesIO()
    Image.fromarray(frame[..., ::-1]).save(picture, "WEBP", quality=88)
    return picture.getvalue()


def write_idle_video(path: Path, fixture: Fixture) -> None:
    """A silent MP4 of the avatar idling, five seconds that begin like :func:`still` and can be looped."""
    engine = Engine(fixture)
    frames = [engine.step(None).frame for _ in range(WARM_UP_TICKS + IDLE_TICKS)][WARM_UP_TICKS - 1 :]
    with replacing(path) as temporary:
        _write_mp4(temporary, [*frames, *frames[-2:0:-1]])


def _write_mp4(path: Path, frames: list[NDArray[np.uint8]]) -> None:
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = cast(VideoStream, container.add_stream("libx264", rate=FPS, options={"crf": "20", "preset": "veryfast"}))
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for index, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="bgr24")
            picture.pts, picture.time_base = index, Fraction(1, FPS)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))

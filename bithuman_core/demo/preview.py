"""Pictures of an avatar for those who have not met it yet: a still for its card, and a short video of it idling."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from bithuman_core.engine import Engine, Fixture
from bithuman_core.face import FaceState
from bithuman_core.files import replacing
from bithuman_core.render import FootageRenderer, FootageRig, renderer_for
from bithuman_core.timing import FPS

WARM_UP_TICKS = 5  # until the eyes and the head have settled
IDLE_TICKS = 5 * FPS // 2  # shown forwards and backwards, so that the loop has no seam; of a film about as many


def face_at_rest(fixture: Fixture) -> FaceState:
    """The face of :func:`still`: the same for every avatar."""
    return next(islice(_idling(fixture), WARM_UP_TICKS - 1, None))


def still(fixture: Fixture) -> bytes:
    """A WebP picture of the avatar at rest."""
    frame = renderer_for(fixture.rig, fixture.scene()).render(face_at_rest(fixture))
    picture = io.BytesIO()
    Image.fromarray(frame[..., ::-1]).save(picture, "WEBP", quality=88)
    return picture.getvalue()


def write_idle_video(path: Path, fixture: Fixture) -> None:
    """A silent MP4 of the avatar idling, some five seconds that begin like :func:`still` and can be looped."""
    rig = fixture.rig
    stretch = _stretch(rig) if isinstance(rig, FootageRig) else range(IDLE_TICKS + 1)
    faces = list(islice(_idling(fixture), WARM_UP_TICKS - 1, WARM_UP_TICKS - 1 + len(stretch)))
    with replacing(path) as temporary:  # a frame at a time: all of them would be hundreds of MiB
        _write_mp4(temporary, _there_and_back(fixture, faces, stretch), rig.size)


def _stretch(rig: FootageRig) -> range:
    """Frames of a film from its best one to the place where the head stands still that is nearest to the wanted length."""
    turning = rig.walk.turning.astype(int)
    end = int(turning[np.abs(np.abs(turning - rig.best) - IDLE_TICKS).argmin()])
    way = 1 if end >= rig.best else -1
    return range(rig.best, end + way, way)


def _there_and_back(fixture: Fixture, faces: list[FaceState], frames: range) -> Iterator[NDArray[np.uint8]]:
    count = len(faces)
    order = [*range(count), *range(count - 2, 0, -1)]
    renderer = renderer_for(fixture.rig, fixture.scene())
    if isinstance(renderer, FootageRenderer):
        yield from (renderer.render(faces[k], frames[k]) for k in order)
    else:
        yield from (renderer.render(faces[k]) for k in order)


def _idling(fixture: Fixture) -> Iterator[FaceState]:
    engine = Engine(fixture)
    while True:
        yield engine.animate(None)[0]


def _write_mp4(path: Path, frames: Iterable[NDArray[np.uint8]], size: tuple[int, int]) -> None:
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = cast(VideoStream, container.add_stream("libx264", rate=FPS, options={"crf": "20", "preset": "veryfast"}))
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1  # those who are live need the others
        for index, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="bgr24")
            picture.pts, picture.time_base = index, Fraction(1, FPS)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))

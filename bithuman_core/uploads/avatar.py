"""An avatar file of somebody else's: read, measured and drawn elsewhere before it is loaded here."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bithuman_core.face import ARKIT_NAMES, FACE_SIZE, HEAD_NAMES, FaceState
from bithuman_core.imx import read_imx
from bithuman_core.intake.allowance import AVATAR
from bithuman_core.intake.pool import ReadingPool
from bithuman_core.intake.process import Report
from bithuman_core.motion.gesture import Gesture
from bithuman_core.render import FootageRenderer, FootageRig, PortraitRenderer, Rig, any_rig, renderer_for
from bithuman_core.render.footage.dearest import dearest_frame
from bithuman_core.render.footage.film import check_film
from bithuman_core.uploads.avatar_limits import check_counts, check_group, check_tick
from bithuman_core.uploads.reading import place_of

QUALITY = 88  # of a still, WebP
WIDE = dict.fromkeys(ARKIT_NAMES, 1.0) | dict.fromkeys(HEAD_NAMES, 1000.0) | {"breath": 1.0}
OTHER = {name: float(k % 2) for k, name in enumerate(ARKIT_NAMES)} | dict.fromkeys(HEAD_NAMES, -1000.0)
POSES = ({}, WIDE, OTHER, {"jawOpen": 0.5})  # at rest and as far as anything reaches


def trial(report: Report, path: str, face: Sequence[float]) -> tuple[dict[str, Any], bytes]:
    """A job: ``{"tick_ms": ...}`` and a still, WebP, of the avatar with this face (values of a FaceState).

    Raises ModelError: it is none, it is damaged, or it takes more than is taken of a stranger's.
    """
    avatar = read_imx(path)
    check_counts(avatar)
    for name, raw in avatar.manifest.gestures.items():
        Gesture.from_manifest(name, raw)
    rig = any_rig(avatar)
    renderer = renderer_for(rig)
    decoding = 0.0
    if isinstance(rig, FootageRig):
        films = [rig.film] if rig.matte is None else [rig.film, rig.matte.cover, rig.matte.behind]
        costs = [check_film(film) for film in films]
        check_group(sum(cost.group for cost in costs))
        decoding = sum(cost.frame for cost in costs)
    dearest = 0.0
    for draw in _drawings(rig, renderer):
        dearest = max(dearest, decoding + min(_cost(draw), _cost(draw)))  # the better of two: caches are cold
        check_tick(dearest)
    frame = renderer.render(FaceState(np.array(face, np.float32)))
    picture = io.BytesIO()
    Image.fromarray(frame[..., ::-1]).save(picture, "WEBP", quality=QUALITY)
    return {"tick_ms": dearest}, picture.getvalue()


async def check_avatar(pool: ReadingPool, path: Path, owner: str, face: FaceState | None = None) -> bytes:
    """A still of an avatar file, WebP, with this face (at rest); the file can be loaded here after that.

    owner: who sent it; of each, one file is read at a time.

    Raises ModelError, or IntakeError where the file takes more than :data:`~bithuman_core.intake.allowance.AVATAR`.
    """
    values = [0.0] * FACE_SIZE if face is None else [float(value) for value in face.values]
    return (await pool.read(trial, AVATAR, owner, path=place_of(path), face=values))[1]


def _drawings(rig: Rig, renderer: PortraitRenderer | FootageRenderer) -> Iterator[Callable[[], object]]:
    """What draws the frames that may take the longest."""
    poses = [FaceState.from_mapping(pose) for pose in POSES]
    if isinstance(renderer, PortraitRenderer):
        yield from (partial(renderer.render, pose) for pose in poses)
        return
    assert isinstance(rig, FootageRig)
    for frame in {dearest_frame(rig, FaceState.from_mapping(pose)) for pose in (WIDE, OTHER)}:
        yield from (partial(renderer.render, pose, frame) for pose in poses)


def _cost(draw: Callable[[], object]) -> float:
    """CPU time of one frame, ms."""
    begin = time.thread_time()
    draw()
    return 1000 * (time.thread_time() - begin)

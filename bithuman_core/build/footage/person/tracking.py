"""The landmarks of every frame of a clip: from those of the frame before, and steadier than one look of the net."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from bithuman_core.build.arrays import Array
from bithuman_core.build.photo import landmarker
from bithuman_core.build.photo.faces import choose_face
from bithuman_core.build.photo.landmarker import BLENDSHAPE_NAMES, BLENDSHAPE_POINTS, EYE_CORNERS, MIN_PRESENCE
from bithuman_core.build.photo.models import FaceNets
from bithuman_core.errors import BuildError

ONE_LOOK = ((0.0, 0.0, 1.0, 0.0),)
LOOKS = (*ONE_LOOK, (0.02, 0.013, 1.04, 0.03), (-0.017, -0.02, 0.97, -0.03))
"""Crops that a frame is looked at in, the first about the face of the frame before, each next one about what that saw: shift
(sides of the crop), size, roll (radians). Their mean is taken: lips tremble by a quarter less than in `ONE_LOOK`."""


@dataclass(frozen=True)
class Track:
    """What the nets see in n frames."""

    landmarks: Array
    """f32 [n, 478, 3] px; a frame without a face has those between its neighbours'."""
    found: Array
    """bool [n]: a face was seen."""
    blendshapes: list[dict[str, float]]
    """ARKit name to 0..1, empty where there was none."""


def track(nets: FaceNets, frames: Iterable[Array], face: int | None, looks: tuple[tuple[float, ...], ...] = LOOKS) -> Track:
    """Follow one face. frames: RGB uint8 [h, w, 3]; face: which one, 1 the largest.

    Raises `BuildError` where no frame shows one, or several do and none was chosen.
    """
    seen: list[Array | None] = []
    shapes: list[dict[str, float]] = []
    before: Array | None = None
    reason: BuildError | None = None
    for frame in frames:
        image = Image.fromarray(frame)
        if before is None:
            try:
                before = choose_face(nets, image, face).face.landmarks
            except BuildError as error:
                reason = reason or error
        points = None if before is None else _look(nets, image, before, looks)
        before = points
        seen.append(points)
        shapes.append({} if points is None else _expression(nets, points))
    found = np.array([points is not None for points in seen])
    if not found.any():
        raise reason or BuildError("found no human face in the clip: use one that shows a face from the front")
    at = np.flatnonzero(found)
    known = np.stack([points for points in seen if points is not None])
    landmarks = known[np.searchsorted(at, np.arange(len(seen))).clip(max=len(at) - 1)].astype(np.float32)
    for gap in np.flatnonzero(~found):
        right = int(np.searchsorted(at, gap))
        if 0 < right < len(at):
            share = (gap - at[right - 1]) / (at[right] - at[right - 1])
            landmarks[gap] = known[right - 1] + share * (known[right] - known[right - 1])
    return Track(landmarks, found, shapes)


def _look(nets: FaceNets, image: Image.Image, before: Array, looks: tuple[tuple[float, ...], ...]) -> Array | None:
    points, several = before, []
    for dx, dy, size, turn in looks:
        middle, side, roll = _crop(points)
        middle = middle + side * np.array([dx, dy], np.float32)
        points, presence = landmarker.landmarks_at(nets, image, middle, side * size, roll + turn)
        if presence < MIN_PRESENCE:
            return None
        several.append(points)
    return np.asarray(np.mean(several, 0), np.float32)


def _crop(landmarks: Array) -> tuple[Array, float, float]:
    box = np.concatenate([landmarks[:, :2].min(0), landmarks[:, :2].max(0)])
    return landmarker.crop_at(box, landmarks[EYE_CORNERS, :2])


def _expression(nets: FaceNets, landmarks: Array) -> dict[str, float]:
    values = nets.blendshapes(landmarks[BLENDSHAPE_POINTS, :2])[0]
    return {name: float(value) for name, value in zip(BLENDSHAPE_NAMES, values, strict=True) if name != "_neutral"}

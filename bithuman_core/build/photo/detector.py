"""Where faces are in a photo: MediaPipe's short-range BlazeFace detector, over tiles so that small faces are found too.

Bazarevsky et al., "BlazeFace" (2019); anchors, scales and thresholds as in MediaPipe's face_detector_graph (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bithuman_core.build.photo.models import Net

SIDE = 128
MIN_SCORE = 0.5
MAX_OVERLAP = 0.3
TILES = (1.0, 0.5, 0.25)
"""Sides of the square tiles as shares of the photo's longer side."""
REDUCED = 3.0
"""Px that are kept for one the net sees: larger photos are averaged first, which takes a third of the time."""
STRIDES = ((8, 2), (16, 6))
"""Px between anchors, and anchors at each place."""


@dataclass(frozen=True)
class Detection:
    """One face: box x0, y0, x1, y1 and the two eyes [2, 2] (image left first), all in photo px; score 0..1."""

    box: NDArray[np.float32]
    eyes: NDArray[np.float32]
    score: float


def detect_faces(net: Net, photo: Image.Image) -> tuple[list[Detection], float]:
    """Faces in an RGB photo, best score first, and the best score of all that was looked at (0..1)."""
    boxes, scores, best = [], [], 0.0
    for x, y, side in _tiles(*photo.size):
        values = _square(photo, x, y, side)
        regressors, classificators = net(values)
        score = 1 / (1 + np.exp(-np.clip(classificators.reshape(-1), -80, 80)))
        best = max(best, float(score.max()))
        keep = score >= MIN_SCORE
        boxes.append(_decode(regressors[0][keep], ANCHORS[keep]) * side + np.tile([x, y], 4))
        scores.append(score[keep])
    return _merge(np.concatenate(boxes), np.concatenate(scores)), best


def _anchors() -> NDArray[np.float32]:
    """Middles of the 896 anchors, shares of the side."""
    rows = []
    for stride, count in STRIDES:
        cells = SIDE // stride
        middle = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        grid = np.stack(np.meshgrid(middle, middle), -1).reshape(-1, 2)
        rows.append(np.repeat(grid, count, axis=0))
    return np.concatenate(rows)


ANCHORS = _anchors()


def _tiles(width: int, height: int) -> Iterator[tuple[float, float, float]]:
    """Left, top and side of squares that cover the photo at every scale, overlapping by half."""
    for share in TILES:
        side = share * max(width, height)
        if share < 1 and side < SIDE:
            return
        for y in _starts(height, side):
            for x in _starts(width, side):
                yield x, y, side


def _starts(length: int, side: float) -> list[float]:
    if side >= length:
        return [(length - side) / 2]
    count = int(np.ceil((length - side) / (side / 2))) + 1
    return list(np.linspace(0, length - side, count))


def _square(photo: Image.Image, x: float, y: float, side: float) -> NDArray[np.float32]:
    """A square of the photo as the net wants it; black beyond the photo's edge."""
    left, top = max(x, 0.0), max(y, 0.0)
    right, bottom = min(x + side, photo.width), min(y + side, photo.height)
    scale = SIDE / side
    size = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    box = (left, top, right, bottom)
    part = np.asarray(photo.resize(size, Image.Resampling.BILINEAR, box, REDUCED), np.float32)
    canvas = np.zeros((SIDE, SIDE, 3), np.float32)
    column, row = min(round((left - x) * scale), SIDE - size[0]), min(round((top - y) * scale), SIDE - size[1])
    canvas[row : row + size[1], column : column + size[0]] = part
    return (canvas / 127.5 - 1).astype(np.float32)


def _decode(regressors: NDArray[np.float32], anchors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows x0, y0, x1, y1, eye, eye in shares of the side."""
    values = regressors / SIDE
    middle = values[:, :2] + anchors
    half = values[:, 2:4] / 2
    eyes = values[:, 4:8] + np.tile(anchors, 2)
    return np.concatenate([middle - half, middle + half, eyes], axis=1).astype(np.float32)


def _merge(rows: NDArray[np.float32], scores: NDArray[np.float32]) -> list[Detection]:
    """Weighted non-maximum suppression: overlapping boxes become their mean, weighted by score."""
    order = np.argsort(-scores, kind="stable")
    rows, scores = rows[order], scores[order]
    found = []
    while len(scores):
        same = overlap(rows[0, :4], rows[:, :4]) > MAX_OVERLAP
        same[0] = True
        mean = np.average(rows[same], axis=0, weights=scores[same]).astype(np.float32)
        found.append(Detection(mean[:4], mean[4:8].reshape(2, 2), float(scores[0])))
        rows, scores = rows[~same], scores[~same]
    return found


def overlap(box: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of one box with many [N, 4]; a box mostly inside another counts as the same face."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    common = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return common / np.maximum(areas + np.prod(box[2:] - box[:2]) - common, 1e-6)

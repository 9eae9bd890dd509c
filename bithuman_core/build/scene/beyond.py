"""The person's matte beyond the photo's edge: clothes go on, and so does hair, of which little is cut off, like a round head."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bithuman_core.build.arrays import Array
from bithuman_core.build.photo.landmarker import CHIN
from bithuman_core.build.photo.pixels import doubled, halved
from bithuman_core.build.photo.portrait import CANVAS, FACE_WIDTH
from bithuman_core.build.shape.canvas import CUT, Canvas
from bithuman_core.render.smoothstep import smoothstep

FADE = 0.2
"""Face widths over which the person ends beyond the upper edge of the photo."""
SLOPE, STEEPEST = 24, 1.5
"""Px over which it is seen how hair narrows towards the upper edge, and by how many px a px it does at most."""
LITTLE = 2.5
"""Times that: where no more is missing above the hair, the frame cuts it off and it goes on up to there."""
SOFT = 5
"""Px (sigma, of the half-size picture) by which what is made up is softer."""


def beyond(alpha: Array, canvas: Canvas) -> Array:
    """The matte beyond the photo: clothes go on to the sides and downwards; so does hair, if little is missing."""
    if canvas.inside.all():
        return alpha
    y, x = np.nonzero(~canvas.inside)
    rows, columns = canvas.nearest[:, y, x]
    away = np.hypot(y - rows, x - columns)
    distance = away / (FADE * FACE_WIDTH * CANVAS)
    clothes = (y - rows > np.abs(x - columns)) | (y > canvas.landmarks[CHIN, 1])
    above = rows - y > np.abs(x - columns)
    out = alpha.copy()
    out[y, x] = alpha[rows, columns]
    out[y[above], x[above]] = _rounded(alpha, canvas, rows[above], columns[above], away[above])
    soft = doubled(np.asarray(ndimage.gaussian_filter(halved(out), SOFT)))
    hair = above & (alpha[rows, columns] > 0.5)
    goes_on = clothes | hair & (distance[hair].max(initial=0) < LITTLE)
    out[y, x] = np.clip(soft[y, x], 0, 1) * np.where(goes_on, 1, 1 - smoothstep(distance))
    return out


def _rounded(alpha: Array, canvas: Canvas, rows: Array, columns: Array, away: Array) -> Array:
    """The matte [n] so many px away [n] above px of the photo's upper edge [n]: hair narrows as below it, and as a round head."""
    middle = float(canvas.landmarks[CHIN, 0])
    first = canvas.inside.argmax(0)  # row of the edge
    known = np.flatnonzero(canvas.inside.any(0))
    rows_below = (np.minimum(first[known] + down, len(alpha) - 1) for down in (2, SLOPE))
    edge, below = (_run(alpha[row, known] > 0.5, known, middle) for row in rows_below)
    straight = alpha[rows, columns]
    if edge is None or below is None:
        return straight
    half, centre = (edge[1] - edge[0]) / 2, (edge[0] + edge[1]) / 2
    place = columns.astype(np.float32)
    for side, end, lower, last in ((-1, edge[0], below[0], known[0]), (1, edge[1], below[1], known[-1])):
        if abs(end - last) < CUT or half < CUT:
            continue  # it leaves the photo there, too
        inwards = np.clip(side * (lower - end) / SLOPE, 0, STEEPEST) * away + away**2 / (2 * half)
        place = np.where(side * (columns - centre) > 0, centre + (columns - centre) * half / np.maximum(half - inwards, 1), place)
    at = np.clip(np.round(place), known[0], known[-1]).astype(int)
    return np.where(at == columns, straight, alpha[np.minimum(first[at] + 2, len(alpha) - 1), at])


def _run(solid: NDArray[np.bool_], columns: Array, middle: float) -> tuple[int, int] | None:
    """First and last of the columns [n] of those solid ones [n] that hang together nearest to the middle."""
    parts = np.asarray(ndimage.label(solid)[0])  # type: ignore[index]
    if not parts.any():
        return None
    part = parts[solid][np.abs(columns[solid] - middle).argmin()]
    run = columns[parts == part]
    return int(run[0]), int(run[-1])

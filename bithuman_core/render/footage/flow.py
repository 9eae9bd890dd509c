"""How a picture moves with the head in it: the face by its mesh, hair and neck along with it, less the farther they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.render.footage.head import Head
from bithuman_core.render.footage.posing import place, rest_face
from bithuman_core.render.footage.rig import FootageRig

Floats = NDArray[np.float32]
STEP = 16  # px between the nodes of the flow: frames divide by it
POINTS = 96  # of the mesh, that tell the flow
REACH = 0.07  # face widths (sigma): how far a point is heard
UNHEARD = np.float32(-35)  # its exponent from where nothing of it counts; processors take ten times as long for smaller numbers
BEYOND = 0.02  # weight of the head as a whole (an affine map) beside that of the points: it decides where none is near
ABOUT = (0.72, 1.0, 0.8)  # face widths from the middle of the face, aside, up, down: so far all goes with the head
FADES = 0.8  # of these, over which the rest fades
CALM_EDGE = 0.12  # of the frame's sides: towards the outermost tiles, which stay, it fades, too


class HeadFlow:
    """Says how pictures of one avatar move where its head goes from one standing to another. Holds scratch buffers only."""

    def __init__(self, rig: FootageRig) -> None:
        chosen = spread_points(np.delete(rig.vertices[:, :2], rig.beyond, 0), POINTS)
        rows = np.delete(np.arange(len(rig.vertices)), rig.beyond)[chosen]
        self._rig = rig
        self._vertices, self._basis = rig.vertices[rows], np.ascontiguousarray(rig.basis[:, rows])
        self._posed, self._seen = np.empty((len(rows), 3), np.float32), np.empty((2, len(rows), 3), np.float32)
        width, height = rig.size
        self._lines = [np.arange(0, side + 1, STEP, dtype=np.float32) for side in (width, height)]
        self._nodes = np.stack(np.meshgrid(*self._lines), -1)
        edge = [np.clip((np.minimum(v, v[-1] - v) - STEP) / (CALM_EDGE * v[-1]), 0, 1) for v in self._lines]
        self._edge = np.minimum(edge[0][None], edge[1][:, None])

    def field(self, old: Head, new: Head) -> Floats:
        """[rows, columns, 2] px from each node to where its colour lies in a picture whose head stands as ``old``."""
        rig, (source, target) = self._rig, self._seen
        for head, seen in ((old, source), (new, target)):
            rest_face(self._vertices, self._basis, head.amount, self._posed)
            place(self._posed, head.turn, *head.shift, rig.distance, *rig.centre, rig.scale, seen)
        at, move = target[:, :2], source[:, :2] - target[:, :2]
        width = np.float32(rig.face_width * rig.scale)
        middle = at.mean(0)
        from_middle = (self._nodes - middle) / width
        away = (((line[:, None] - at[:, d]) / (REACH * width)) ** 2 for d, line in enumerate(self._lines))
        across, down = (np.exp(np.maximum(-0.5 * far, UNHEARD)) for far in away)
        heard = np.stack([(down * part) @ across.T for part in (*move.T, np.ones(len(at), np.float32))], -1)
        whole = np.linalg.lstsq(_affine((at - middle) / width), move, rcond=None)[0].astype(np.float32)
        flow = (heard[..., :2] + BEYOND * (_affine(from_middle) @ whole)) / (heard[..., 2:] + BEYOND)
        up = from_middle[..., 1] < 0
        far = np.hypot(from_middle[..., 0] / ABOUT[0], from_middle[..., 1] / np.where(up, ABOUT[1], ABOUT[2]))
        part = np.clip((far - 1) / FADES, 0, 1)
        flow *= ((1 - part * part * (3 - 2 * part)) * self._edge)[..., None]
        return np.ascontiguousarray(flow, np.float32)


def field_at(field: Floats, places: Floats) -> Floats:
    """[n, 2] of a field at places [n, 2] px, linear between its nodes."""
    at = places / STEP
    whole = np.clip(at.astype(np.intp), 0, np.array(field.shape[1::-1]) - 2)
    (x, y), (s, t) = whole.T, np.clip(at - whole, 0, 1).T[..., None]
    upper, lower = ((1 - s) * field[y + d, x] + s * field[y + d, x + 1] for d in (0, 1))
    return np.asarray((1 - t) * upper + t * lower, np.float32)


def nearest(places: NDArray[Any], shape: tuple[int, ...]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(Rows, columns [n]) of the px of a picture [h, w, ..] at places [n, 2] px."""
    x, y = (np.clip(places[:, d].astype(np.intp), 0, shape[1 - d] - 1) for d in (0, 1))
    return y, x


def _affine(points: Floats) -> Floats:
    return np.concatenate([points, np.ones((*points.shape[:-1], 1), np.float32)], -1)


def spread_points(points: Floats, count: int) -> NDArray[np.intp]:
    """Rows of ``count`` points [n, 2] that lie far from each other, the first one first."""
    chosen, away = [0], np.full(len(points), np.inf, np.float32)
    while len(chosen) < min(count, len(points)):
        away = np.minimum(away, ((points - points[chosen[-1]]) ** 2).sum(1))
        chosen.append(int(away.argmax()))
    return np.array(chosen)

"""How a picture moves with the head in it: the face by its mesh, hair and neck along with it, less the farther they are.

Numba, one core.
"""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

import numpy as np
from numba import float32, int64, njit, void
from numpy.typing import NDArray

from bithuman_core.render.footage.head import Head
from bithuman_core.render.footage.posing import place, rest_face
from bithuman_core.render.footage.rig import FootageRig
from bithuman_core.render.kernel import CAREFUL, kernel
from bithuman_core.render.signature import given, scratch

Floats = NDArray[np.float32]
STEP = 16  # px between the nodes of the flow: frames divide by it
POINTS = 96  # of the mesh, that tell the flow
REACH = 0.07  # face widths (sigma): how far a point is heard
UNHEARD = -35.0  # its exponent from where nothing of it counts; processors take ten times as long for smaller numbers
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
        edge = [np.clip((np.minimum(v, v[-1] - v) - STEP) / (CALM_EDGE * v[-1]), 0, 1) for v in self._lines]
        self._edge = np.minimum(edge[0][None], edge[1][:, None]).astype(np.float32)
        self._across, self._heard = (np.empty((n, len(self._lines[0])), np.float32) for n in (len(rows), 3))

    def field(self, old: Head, new: Head) -> Floats:
        """[rows, columns, 2] px from each node to where its colour lies in a picture whose head stands as ``old``."""
        rig, (source, target) = self._rig, self._seen
        for head, seen in ((old, source), (new, target)):
            rest_face(self._vertices, self._basis, head.amount, self._posed)
            place(self._posed, head.turn, *head.shift, rig.distance, *rig.centre, rig.scale, seen)
        out = np.empty((*self._edge.shape, 2), np.float32)
        find_flow(source, target, rig.face_width * rig.scale, *self._lines, self._edge, self._across, self._heard, out)
        return out


@njit(nogil=True)
def _soft(value):
    """Smoothstep of a value that may lie beyond 0 and 1."""
    part = min(max(value, float32(0)), float32(1))
    return part * part * (float32(3) - float32(2) * part)


@kernel(
    void(
        given(float32, 2), given(float32, 2), float32, given(float32, 1), given(float32, 1), given(float32, 2),
        scratch(float32, 2), scratch(float32, 2), scratch(float32, 3),
    ),
    fastmath=CAREFUL, error_model="numpy",
)  # fmt: skip
def find_flow(source, target, width, columns, rows, edge, across, heard, out):
    """out [rows, columns, 2] = how far from each node what is seen there comes, where points went from source to target [n, 3].

    width: of the face, px; columns, rows: where the nodes are; edge [rows, columns]: how much of it is left towards the picture's
    edge. across [n, columns], heard [3, columns]: scratch.
    """
    points, most = target.shape[0], float32(UNHEARD)
    near = float32(1) / (float32(REACH) * width)
    middle_x, middle_y, mean_u, mean_v = float32(0), float32(0), float32(0), float32(0)
    for n in range(points):
        middle_x += target[n, 0] / float32(points)
        middle_y += target[n, 1] / float32(points)
        mean_u += (source[n, 0] - target[n, 0]) / float32(points)
        mean_v += (source[n, 1] - target[n, 1]) / float32(points)
        for x in range(columns.shape[0]):
            far = (columns[x] - target[n, 0]) * near
            across[n, x] = np.exp(max(float32(-0.5) * far * far, most))
    # The head as a whole: the affine map of least squares, of points about their middle.
    xx, xy, yy = float32(1e-6), float32(0), float32(1e-6)  # no division by 0 where all lie on one line
    xu, xv, yu, yv = float32(0), float32(0), float32(0), float32(0)
    for n in range(points):
        x, y = (target[n, 0] - middle_x) / width, (target[n, 1] - middle_y) / width
        u, v = source[n, 0] - target[n, 0], source[n, 1] - target[n, 1]
        xx, xy, yy = xx + x * x, xy + x * y, yy + y * y
        xu, xv, yu, yv = xu + x * u, xv + x * v, yu + y * u, yv + y * v
    size = xx * yy - xy * xy
    u_x, u_y = (yy * xu - xy * yu) / size, (xx * yu - xy * xu) / size
    v_x, v_y = (yy * xv - xy * yv) / size, (xx * yv - xy * xv) / size
    for r in range(rows.shape[0]):
        heard[:] = float32(0)
        for n in range(points):
            far = (rows[r] - target[n, 1]) * near
            if float32(-0.5) * far * far < most:
                continue
            down = np.exp(float32(-0.5) * far * far)
            u, v = down * (source[n, 0] - target[n, 0]), down * (source[n, 1] - target[n, 1])
            for x in range(columns.shape[0]):
                heard[0, x] += u * across[n, x]
                heard[1, x] += v * across[n, x]
                heard[2, x] += down * across[n, x]
        y = (rows[r] - middle_y) / width
        high = y / float32(ABOUT[1] if y < 0 else ABOUT[2])
        for c in range(columns.shape[0]):
            x = (columns[c] - middle_x) / width
            wide = x / float32(ABOUT[0])
            part = float32(1) - _soft((np.sqrt(wide * wide + high * high) - float32(1)) / float32(FADES))
            part *= edge[r, c] / (heard[2, c] + float32(BEYOND))
            out[r, c, 0] = part * (heard[0, c] + float32(BEYOND) * (u_x * x + u_y * y + mean_u))
            out[r, c, 1] = part * (heard[1, c] + float32(BEYOND) * (v_x * x + v_y * y + mean_v))


@kernel(void(given(float32, 3), int64, given(float32, 2), scratch(float32, 2)))
def fetch(field, step, places, out):
    """out [n, 2] = where the colour of places [n, 2] px lies, by a field whose nodes stand ``step`` px apart."""
    for n in range(places.shape[0]):
        at_x, at_y = places[n, 0] / float32(step), places[n, 1] / float32(step)
        x = int64(min(max(at_x, float32(0)), float32(field.shape[1] - 2)))
        y = int64(min(max(at_y, float32(0)), float32(field.shape[0] - 2)))
        s, t = min(max(at_x - float32(x), float32(0)), float32(1)), min(max(at_y - float32(y), float32(0)), float32(1))
        for d in range(2):
            upper = field[y, x, d] + s * (field[y, x + 1, d] - field[y, x, d])
            lower = field[y + 1, x, d] + s * (field[y + 1, x + 1, d] - field[y + 1, x, d])
            out[n, d] = places[n, d] + upper + t * (lower - upper)


def spread_points(points: Floats, count: int) -> NDArray[np.intp]:
    """Rows of ``count`` points [n, 2] that lie far from each other, the first one first."""
    chosen, away = [0], np.full(len(points), np.inf, np.float32)
    while len(chosen) < min(count, len(points)):
        away = np.minimum(away, ((points - points[chosen[-1]]) ** 2).sum(1))
        chosen.append(int(away.argmax()))
    return np.array(chosen)

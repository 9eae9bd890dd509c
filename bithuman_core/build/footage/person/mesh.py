"""What of the head is drawn into footage: the skin of the face, its lip rings, jaw line, and how far speech moves it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from bithuman_core.build.arrays import Array
from bithuman_core.build.shape.fit import OVAL
from bithuman_core.build.shape.template import SKIN, Template
from bithuman_core.render.smoothstep import smoothstep

HIGHEST, DEEPEST = -215.0, 120.0  # template px: no triangle above, or behind
INSIDE = 0.985  # of the face's oval
MOVING = (5.0, 80.0)  # template px below the lower lids: from where to where speech moves the face
UP, DOWN = np.arange(21), np.r_[0, np.arange(39, 19, -1)]
"""Points of a lip ring from the image-left corner to the image-right one, upper and lower lip."""
OPEN = 0.4  # jawOpen of the pose in which distances along the lips are measured
REACH = 0.028  # face widths beside the inner lips that follow their ring
BEYOND = 40.0  # template px inside the ring that are the inner side of the lips
DEEP, SHADE = 14.0, 0.45  # template px behind the ring where the inner side is darkest, and by how much
CULLED = 4.0  # template px behind the ring: triangles wholly deeper are left out
JAW = OVAL[8:29]
"""MediaPipe numbers of the lower oval, from the ear at image right over the chin to the other."""


@dataclass(frozen=True)
class FaceMesh:
    """A part of the template, V vertices."""

    used: Array
    """[V] rows of the template."""
    triangles: Array
    """i32 [T, 3]."""
    weight: Array
    """f32 [V]: 0 above, 1 at the mouth: how far speech moves it, and takes out the clip's own."""
    marks: tuple[Array, Array]
    """MediaPipe's landmarks: rows [468, 3] and weights (rows of the template)."""
    inner: tuple[Array, Array]
    """The ring of the inner lips: rows [40, 3] of the mesh, weights."""
    outer: tuple[Array, Array]
    """The ring of the outer lips."""
    jaw: tuple[Array, Array]
    """The jaw line: rows [21, 3], weights."""
    share: Array
    """f32 [V, 40]: how vertices beside the inner lips follow their ring, each of its own lip."""
    beyond: Array
    """[B] vertices of the inner side of the lips: they show the ring's colour."""
    beyond_share: Array
    """f32 [B, 40], rows sum to 1."""
    shade: Array
    """f32 [V]: 1, less on the inner side."""

    def at(self, ring: tuple[Array, Array], points: Array) -> Array:
        """The points of a ring [n, d] on points [V, d]."""
        index, weight = ring
        return (points[index] * weight[..., None]).sum(1)


def face_mesh(template: Template) -> FaceMesh:
    """The part of the template that is drawn into footage."""
    points = template.points
    triangles = template.triangles.astype(np.int64)
    marks = template.at("mediapipe", points)
    middle = points[triangles].mean(1)
    skin = (template.part == SKIN) & _inside(INSIDE * marks[list(OVAL), :2], middle[:, :2])
    skin &= (middle[:, 1] > HIGHEST) & (middle[:, 2] < DEEPEST)
    width = float(np.linalg.norm(marks[454] - marks[234]))
    jaw = template.rings["mediapipe"][0][list(JAW)]  # beside the skin that is drawn
    rows = np.unique(np.concatenate([triangles[skin].ravel(), jaw.ravel()]))
    share = _ring_share(template, rows, REACH * width)
    index, weight = template.rings["lips_inner"]
    ring_places = (template.uv[index] * weight[..., None]).sum(1)
    near = cdist(points[rows], template.at("lips_inner", points)).min(1) < BEYOND
    beyond = np.flatnonzero(_inside(ring_places, template.uv[rows]) & near & (share.sum(1) > 1e-4))
    apart = points + OPEN * template.deltas[template.names.index("jawOpen")]
    deep = cdist(apart[rows[beyond]], template.at("lips_inner", apart)).min(1)
    depth = np.zeros(len(points))
    depth[rows[beyond]] = deep
    kept = triangles[skin]
    kept = kept[depth[kept].min(1) <= CULLED]
    new = np.full(len(points), -1)
    new[rows] = np.arange(len(rows))
    shade = np.ones(len(rows), np.float32)
    shade[beyond] = 1 - SHADE * np.clip(deep / DEEP, 0, 1)

    def ring(name: str, picked: tuple[int, ...] | None = None) -> tuple[Array, Array]:
        index, weight = template.rings[name]
        if picked is not None:
            index, weight = index[list(picked)], weight[list(picked)]
        return new[index], weight.astype(np.float32)

    jaw_rows, jaw_weights = ring("mediapipe", JAW)
    return FaceMesh(
        used=rows,
        triangles=new[kept].astype(np.int32),
        weight=smoothstep(points[rows, 1], *MOVING).astype(np.float32),
        marks=template.rings["mediapipe"],
        inner=ring("lips_inner"),
        outer=ring("lips_outer"),
        jaw=(jaw_rows, jaw_weights),
        share=share,
        beyond=beyond,
        beyond_share=share[beyond] / share[beyond].sum(1, keepdims=True),
        shade=shade,
    )


def _inside(polygon: Array, points: Array) -> Array:
    """Which points [n, 2] lie in a polygon [m, 2]."""
    x, y = points[:, 0], points[:, 1]
    inside = np.zeros(len(points), bool)
    for (ax, ay), (bx, by) in zip(polygon, np.roll(polygon, -1, 0), strict=True):
        inside ^= ((ay > y) != (by > y)) & (x < (bx - ax) * (y - ay) / (by - ay + 1e-12) + ax)
    return inside


def _ring_share(template: Template, rows: Array, reach: float) -> Array:
    apart = template.points + OPEN * template.deltas[template.names.index("jawOpen")]
    distance = cdist(apart[rows], template.at("lips_inner", apart))
    above = distance[:, 1:20].min(1) < distance[:, 21:].min(1)
    own = np.zeros(distance.shape, bool)
    own[above] = np.isin(np.arange(40), UP)
    own[~above] = np.isin(np.arange(40), DOWN)
    distance = np.where(own, distance, 1e6)
    nearest = distance.min(1, keepdims=True)
    share = np.exp(-(((distance - nearest) / (0.35 * reach)) ** 2))
    share /= share.sum(1, keepdims=True)
    share *= np.exp(-1.5 * (nearest / reach) ** 2)
    share[nearest[:, 0] > 2.2 * reach] = 0
    return share.astype(np.float32)

"""Which frame of a film takes the longest to draw: the head may be small in one and fill the picture in another."""

from __future__ import annotations

import numpy as np

from bithuman_core.face import FaceState
from bithuman_core.render.footage.posing import place, rest_face
from bithuman_core.render.footage.rig import FootageRig
from bithuman_core.render.overdraw import frames_covered
from bithuman_core.render.posing import blend_shapes


def dearest_frame(rig: FootageRig, face: FaceState) -> int:
    """The frame in which the triangles of the face cover the most with this face. Takes 0.2 ms a frame of the film."""
    shapes, moved = rig.shapes, np.empty_like(rig.vertices)
    blend_shapes(rig.vertices, shapes.start, shapes.index, shapes.delta, rig.coefficients(face), moved)
    moved -= rig.vertices
    rest, placed = np.empty_like(moved), np.empty_like(moved)
    covered = np.empty(rig.frames)
    for k in range(rig.frames):
        rest_face(rig.vertices, rig.basis, rig.amount[k], rest)
        rest += moved
        place(rest, rig.turn[k], *rig.shift[k], rig.distance, *rig.centre, rig.scale, placed)
        covered[k] = frames_covered(placed[rig.triangles, :2], rig.size)
    return int(covered.argmax())

"""Beard and short hair stand out from the skin: there the mesh of the face follows their outside.

A picture of a beard moves with the depth that its strands have when head or jaw turn, and along the outline of the jaw the
strands are what is seen; the edge of the hair at temples and forehead lies before the skin.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from bithuman_core.build.arrays import Array
from training.avatars.mesh import Mesh
from training.avatars.source import Bake
from training.avatars.surface import SKIN

REACH = 9.0  # px: strands so near a vertex give its thickness (about 20 tips where the beard is full)
FEW = 4.0  # points of strands: fewer make a thinner cover
OUTSIDE = 0.75  # quantile of the heights that counts as the outside
SHORT = 40.0  # px: longer hair hangs free of the skin
CALM = 3, 4  # rounds of averaging over the neighbours: beard, hair


def dressed(bake: Bake, mesh: Mesh) -> Mesh:
    """The mesh with its skin lifted to the outside of what grows on it; shapes move it as they move the skin."""
    normal = _normals(mesh)
    height = np.zeros(len(mesh.neutral))
    if bake.look.get("beard"):
        beard = bake.strands.Beard(bake.head, bake.strands.beard_mask(bake.head), **bake.look["beard"])
        height = _height(mesh, normal, bake.ortho(np.asarray(beard.pts(bake.head.neutral))[:, -1]))
    style, values = bake.look["hair"]
    strands = bake.ortho(np.asarray(bake.strands.STYLES[style](bake.head, **values)))
    short = np.linalg.norm(np.diff(strands, axis=1), axis=2).sum(1) < SHORT
    hair = _height(mesh, normal, strands[short].reshape(-1, 3))
    mesh.neutral = mesh.neutral + np.maximum(_calmed(mesh, height, CALM[0]), _calmed(mesh, hair, CALM[1]))[:, None] * normal
    return mesh


def _height(mesh: Mesh, normal: Array, points: Array) -> Array:
    """How far strands, given by points [N, 3], stand out over every vertex of the skin, px [V]."""
    height = np.zeros(len(mesh.neutral))
    skin = np.unique(mesh.triangles[mesh.part == SKIN])
    if not len(points):
        return height
    for v, near in zip(skin, KDTree(points).query_ball_point(mesh.neutral[skin], REACH), strict=True):
        if near:
            above = np.maximum((points[near] - mesh.neutral[v]) @ normal[v], 0)
            height[v] = np.quantile(above, OUTSIDE) * min(len(near) / FEW, 1)
    return height


def _joined(mesh: Mesh) -> Array:
    """Number [V] of the place of every vertex: at a seam of the texture two share one."""
    _, place = np.unique(np.round(mesh.neutral, 4), axis=0, return_inverse=True)
    return place.ravel()


def _normals(mesh: Mesh) -> Array:
    """Unit normals [V, 3] of the skin, away from the head."""
    triangles, place = mesh.triangles[mesh.part == SKIN], _joined(mesh)
    a, b, c = (mesh.neutral[triangles[:, k]] for k in range(3))
    face, normal = np.cross(c - a, b - a), np.zeros_like(mesh.neutral)  # clockwise on screen, z away
    for k in range(3):
        np.add.at(normal, place[triangles[:, k]], face)
    normal = normal[place]
    return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)


def _calmed(mesh: Mesh, height: Array, rounds: int) -> Array:
    """Mean of every vertex of the skin and its neighbours, so many times."""
    place = _joined(mesh)
    triangles = place[mesh.triangles[mesh.part == SKIN]]
    count = np.bincount(triangles.ravel(), minlength=len(place)) * 3
    one = np.zeros_like(height)
    one[place] = height
    for _ in range(rounds):
        total = np.zeros_like(one)
        for k in range(3):
            np.add.at(total, triangles[:, k], one[triangles].sum(1))
        one = np.where(count > 0, total / np.maximum(count, 1), one)
    return one[place]

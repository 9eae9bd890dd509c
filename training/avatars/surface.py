"""The mesh of the rig: the drawn (subdivided) surface of the head model at its vertices, and how every shape moves them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from bithuman_core.build.arrays import Array
from training.avatars.source import Bake

SKIN, EYE, MOUTH, LASH = 0, 1, 2, 3  # part of a triangle; LASH: lashes and lid rims, texture alone


@dataclass
class Surface:
    """Triangles of some polygons: corner -> model vertex and texture position in units of the model's own map."""

    vertex: Array  # [V] model vertex of every rig vertex
    uv: Array  # [V, 2] 0..1, v down
    triangles: Array  # [T, 3] rig vertices, clockwise on screen (y down) where seen from the front
    polygon: Array  # [T] model polygon


def assemble(bake: Bake, polygons: Array) -> Surface:
    """Split model polygons into triangles; a vertex with two texture positions becomes two."""
    head = bake.head
    pairs: dict[tuple[int, int], int] = {}
    triangles, source = [], []
    for p in polygons:
        face, coordinate = head.faces[p], head.faces_uv[p]
        corner = [pairs.setdefault((v, t), len(pairs)) for v, t in zip(face, coordinate, strict=True)]
        for k in range(1, len(corner) - 1):
            triangles.append((corner[0], corner[k + 1], corner[k]))  # y is down on screen: reverse the order
            source.append(p)
    keys = np.array(list(pairs))
    uv = head.uv[keys[:, 1]].astype(np.float64)
    uv = np.stack([uv[:, 0] - np.floor(uv[:, 0].min()), 1 - (uv[:, 1] - np.floor(uv[:, 1].min()))], 1)
    return Surface(keys[:, 0], uv, np.array(triangles), np.array(source))


def limit_stencil(bake: Bake, polygons: range) -> csr_matrix:
    """Catmull-Clark limit positions of the vertices of some polygons as a sparse matrix over all model vertices.

    Interior: (n^2 v + 4 sum(edge neighbours) + sum(opposite corners)) / (n (n + 5)); boundary: (v- + 4 v + v+) / 6
    (Halstead et al. 1993). Vertices with a triangle around them and all others keep their place.
    """
    head = bake.head
    n = len(head.base)
    edges: dict[tuple[int, int], int] = {}
    opposite: dict[int, list[int]] = {}
    odd: set[int] = set()
    for p in polygons:
        f = head.faces[p]
        if len(f) != 4:
            odd.update(f)
        for k, v in enumerate(f):
            e = (min(v, f[k - 1]), max(v, f[k - 1]))
            edges[e] = edges.get(e, 0) + 1
            if len(f) == 4:
                opposite.setdefault(v, []).append(f[(k + 2) % 4])
    ring: dict[int, list[int]] = {}
    border: dict[int, list[int]] = {}
    for (a, b), count in edges.items():
        ring.setdefault(a, []).append(b)
        ring.setdefault(b, []).append(a)
        if count == 1:
            border.setdefault(a, []).append(b)
            border.setdefault(b, []).append(a)
    rows, cols, vals = [], [], []
    for v in range(n):
        if v in border and len(border[v]) == 2:
            entry = {v: 4 / 6, border[v][0]: 1 / 6, border[v][1]: 1 / 6}
        elif v in ring and v not in odd and v not in border:
            k = len(ring[v])
            entry = {v: k / (k + 5)}
            for u in ring[v]:
                entry[u] = entry.get(u, 0) + 4 / (k * (k + 5))
            for u in opposite[v]:
                entry[u] = entry.get(u, 0) + 1 / (k * (k + 5))
        else:
            entry = {v: 1.0}
        rows += [v] * len(entry)
        cols += list(entry)
        vals += list(entry.values())
    return csr_matrix((vals, (rows, cols)), shape=(n, n))


def shape_positions(bake: Bake, stencil: csr_matrix) -> tuple[Array, Array]:
    """Neutral [N, 3] and deltas [shapes, N, 3] of every drawn model vertex in px space, head straight, eyes straight."""
    head = bake.head
    neutral = bake.ortho(stencil @ head.neutral)
    scale = bake.camera.px * np.array([1, -1, -1])
    deltas = np.zeros((len(bake.shapes), len(head.base), 3), np.float32)
    for s, name in enumerate(bake.shapes):
        for ict, k in bake.model.ARKIT_TO_ICT[name].items():
            deltas[s] += k * (stencil @ head.delta(ict)) * scale
    return neutral, deltas

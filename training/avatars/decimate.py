"""Fewer triangles for the same face: half-edge collapses under an error that counts every shape, the texture and the head pose.

Every vertex is a point in a space of many dimensions: its neutral place, its place in the texture, its share of the head's
pose and how the shapes move it (the principal components of all deltas), all in px of the canvas. Removing a vertex costs its
distance to what then takes its place (as in Garland and Heckbert, "Simplifying surfaces with color and texture using quadric
error metrics", 1998, measured directly instead of by quadrics) and what was lost around it before. Vertices that stay keep their
place, so that their deltas stay exact. Lips and lids, which shapes move, stay dense by themselves; brow and cheeks thin out.
"""

# pyright: reportCallIssue=false, reportArgumentType=false
from __future__ import annotations

from heapq import heappop, heappush

import numpy as np
from numba import njit

from bithuman_core.build.arrays import Array
from training.avatars.mesh import Mesh, keep
from training.avatars.surface import MOUTH

COMPONENTS = 24  # of the shapes' deltas
SLIDE = 0.15  # px of error a px of the canvas by which the texture slides: it is smooth
MOVE = 0.25  # px of error a px that all shapes at once move a vertex off: few ever act together
POSE = 60.0  # px that a vertex of weight 1 moves with the head
INSIDE = 0.35  # of an error inside the mouth: it is dark there
NARROWEST = 0.04  # height over longest side below which a triangle is a sliver
RING = 40  # triangles about a vertex at most


def decimate(mesh: Mesh, fixed: Array | None = None, most: float = 1.0) -> Mesh:
    """The mesh without the vertices that cost ``most`` px of the canvas at most; fixed: vertices that must stay."""
    stay = np.zeros(len(mesh.neutral), bool)
    stay[[] if fixed is None else fixed] = True
    _, same = np.unique(np.round(mesh.neutral, 4), axis=0, return_inverse=True)
    stay |= np.bincount(same.ravel())[same.ravel()] > 1  # seams of the texture: both sides must keep fitting
    parts = np.stack([np.bincount(mesh.triangles[mesh.part == p].ravel(), minlength=len(stay)) > 0 for p in np.unique(mesh.part)])
    stay |= parts.sum(0) > 1
    triangles = mesh.triangles.astype(np.int64).copy()
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    edges, times = np.unique(edges, axis=0, return_counts=True)
    stay[edges[times > 2]] = True  # ribbons seen from either side
    alive = _collapse(_features(mesh), mesh.neutral, mesh.uv, triangles, stay, most)
    thin = Mesh(mesh.neutral, mesh.uv, triangles, mesh.part, mesh.deltas, mesh.weight, mesh.vertex, mesh.names)
    return keep(thin, alive)


def _features(mesh: Mesh) -> Array:
    """Every vertex as a point whose distances are errors in px: [V, 3 + 2 + 1 + COMPONENTS]."""
    moves = mesh.deltas.transpose(1, 0, 2).reshape(len(mesh.neutral), -1).astype(np.float64)
    _, axes = np.linalg.eigh(moves.T @ moves)
    # What one texel is worth on the canvas, by part: the median over the edges.
    a, b = mesh.triangles[:, 0], mesh.triangles[:, 1]
    apart = np.linalg.norm(mesh.uv[a] - mesh.uv[b], axis=1)
    length = np.linalg.norm(mesh.neutral[a] - mesh.neutral[b], axis=1) / np.maximum(apart, 1e-3)
    scale = np.ones(len(mesh.neutral))
    for p in np.unique(mesh.part):
        scale[mesh.triangles[mesh.part == p]] = np.median(length[mesh.part == p])
    texture = SLIDE * scale[:, None] * mesh.uv
    features = np.concatenate([mesh.neutral, texture, POSE * mesh.weight[:, None], MOVE * (moves @ axes[:, -COMPONENTS:])], 1)
    features[np.unique(mesh.triangles[mesh.part == MOUTH])] *= INSIDE
    return features


@njit(cache=True)
def _distance(p, a, b, c):
    """From point p to triangle a, b, c, in any number of dimensions."""
    e, f, d = b - a, c - a, p - a
    ee, ef, ff, ed, fd = np.dot(e, e), np.dot(e, f), np.dot(f, f), np.dot(e, d), np.dot(f, d)
    det = ee * ff - ef * ef
    if det > 1e-12:
        s, t = (ff * ed - ef * fd) / det, (ee * fd - ef * ed) / det
        if s >= 0 and t >= 0 and s + t <= 1:
            r = d - s * e - t * f
            return np.sqrt(np.dot(r, r))
    return min(_to_line(p, a, b), _to_line(p, b, c), _to_line(p, c, a))


@njit(cache=True)
def _to_line(p, a, b):
    e, d = b - a, p - a
    t = min(max(np.dot(e, d) / max(np.dot(e, e), 1e-12), 0.0), 1.0)
    r = d - t * e
    return np.sqrt(np.dot(r, r))


@njit(cache=True)
def _area(uv, t):
    e, f = uv[t[1]] - uv[t[0]], uv[t[2]] - uv[t[0]]
    return e[0] * f[1] - e[1] * f[0]


@njit(cache=True)
def _fits(points, uv, old, new):
    """Whether a triangle may become another: the same side up, in space and in the texture, and no sliver."""
    a, b, c = points[new[0]], points[new[1]], points[new[2]]
    normal = np.cross(b - a, c - a)
    before = np.cross(points[old[1]] - points[old[0]], points[old[2]] - points[old[0]])
    size = np.sqrt(np.dot(normal, normal))
    if np.dot(normal, before) < 0.5 * size * np.sqrt(np.dot(before, before)):
        return False
    longest = max(np.dot(b - a, b - a), np.dot(c - b, c - b), np.dot(a - c, a - c))
    if size < NARROWEST * longest:
        return False
    then = _area(uv, old)
    return _area(uv, new) * then > 0 or then == 0


@njit(cache=True)
def _shared(triangles, ring, count, u, v):
    """How many triangles about u have v."""
    n = 0
    for k in range(count[u]):
        t = triangles[ring[u, k]]
        n += t[0] == v or t[1] == v or t[2] == v
    return n


@njit(cache=True)
def _best(u, features, points, uv, triangles, ring, count, lost):
    """(cost, vertex) of the cheapest collapse of u; the vertex is -1 where none is allowed."""
    best, target = np.inf, -1
    border = -1, -1  # its neighbours along an open border
    for k in range(count[u]):
        for j in range(3):
            v = triangles[ring[u, k], j]
            if v != u and _shared(triangles, ring, count, u, v) == 1:
                border = (v, border[0]) if v != border[0] else border
    for k in range(count[u]):
        for j in range(3):
            v = triangles[ring[u, k], j]
            if v == u or (border[0] >= 0 and v != border[0] and v != border[1]):
                continue
            if (border[0] >= 0 and border[1] < 0) or count[u] + count[v] > RING:
                continue
            common = 0
            for i in range(count[u]):
                for w in triangles[ring[u, i]]:
                    if w != u and w != v and _shared(triangles, ring, count, v, w) > 0:
                        common += 1 if _shared(triangles, ring, count, u, w) == 1 else 0.5
            if common > _shared(triangles, ring, count, u, v):
                continue
            cost, allowed = np.inf, True
            for i in range(count[u]):
                old = triangles[ring[u, i]]
                if old[0] == v or old[1] == v or old[2] == v:
                    continue
                new = np.where(old == u, v, old)
                if not _fits(points, uv, old, new):
                    allowed = False
                    break
                cost = min(cost, _distance(features[u], features[new[0]], features[new[1]], features[new[2]]))
            if border[0] >= 0:
                along = _to_line(features[u], features[border[0]], features[border[1]])
                cost = max(cost, along) if cost < np.inf else along
            if allowed and cost + lost[u] < best:
                best, target = cost + lost[u], v
    return best, target


@njit(cache=True)
def _collapse(features, points, uv, triangles, stay, most):
    """Collapse, cheapest first; triangles [T, 3] is changed in place. Returns which of them are left, bool [T]."""
    vertices = len(points)
    ring, count = np.zeros((vertices, RING), np.int64), np.zeros(vertices, np.int64)
    alive = np.ones(len(triangles), np.bool_)
    for t in range(len(triangles)):
        for v in triangles[t]:
            if count[v] < RING:
                ring[v, count[v]] = t
            else:
                stay[v] = True
            count[v] += 1
    for v in range(vertices):
        if count[v] > RING:
            count[v] = RING
    lost, stamp = np.zeros(vertices), np.zeros(vertices, np.int64)
    heap = [(np.inf, -1, -1, 0)]
    for u in range(vertices):
        if not stay[u] and count[u] > 0:
            cost, v = _best(u, features, points, uv, triangles, ring, count, lost)
            if cost <= most:
                heappush(heap, (cost, u, v, 0))
    while True:
        cost, u, v, when = heappop(heap)
        if u < 0:
            return alive
        if when != stamp[u] or count[u] == 0:
            continue
        touched = [v]
        for k in range(count[u]):
            t = ring[u, k]
            for w in triangles[t]:
                if w != u and w != v:
                    touched.append(w)  # noqa: PERF401 (compiled)
            if triangles[t, 0] == v or triangles[t, 1] == v or triangles[t, 2] == v:
                alive[t] = False
                for w in triangles[t]:
                    if w != u:
                        n = 0
                        for i in range(count[w]):
                            if ring[w, i] != t:
                                ring[w, n] = ring[w, i]
                                n += 1
                        count[w] = n
            else:
                for j in range(3):
                    if triangles[t, j] == u:
                        triangles[t, j] = v
                ring[v, count[v]] = t
                count[v] += 1
        count[u] = 0
        for w in touched:
            lost[w] = max(lost[w], cost)
            stamp[w] += 1
        for w in touched:
            if not stay[w] and count[w] > 0:
                price, to = _best(w, features, points, uv, triangles, ring, count, lost)
                if price <= most:
                    stamp[w] += 1
                    heappush(heap, (price, w, to, stamp[w]))

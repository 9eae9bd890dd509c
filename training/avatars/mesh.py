"""The whole mesh of a portrait: skin, mouth, eyeballs; only triangles that some pose can show are kept."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bithuman_core.build.arrays import Array
from bithuman_core.build.shape.raster import raster
from training.avatars import lashes
from training.avatars.source import CANVAS, Bake
from training.avatars.surface import EYE, LASH, MOUTH, SKIN, Surface, assemble, limit_stencil, shape_positions

SKIN_ATLAS = 448  # px, side of the face's place in the atlas: about 1.2 texels a pixel of the frame
HEADS = [(0, 0, 0), (20, 0, 0), (-20, 0, 0), (0, 14, 0), (0, -14, 0), (14, 12, 0), (-14, 12, 0), (14, -12, 0), (-14, -12, 0)]
OPEN = {"jawOpen": 0.55, "mouthUpperUpLeft": 0.8, "mouthUpperUpRight": 0.8, "mouthLowerDownLeft": 0.8, "mouthLowerDownRight": 0.8}


@dataclass
class Mesh:
    """neutral [V, 3] px space, uv [V, 2] atlas px, triangles [T, 3], part [T], deltas [shapes, V, 3], weight [V] 0..1."""

    neutral: Array
    uv: Array
    triangles: Array
    part: Array
    deltas: Array
    weight: Array
    vertex: Array  # model vertex, -1: none
    names: list[str] = field(default_factory=list)

    def posed(self, coefficients: dict[str, float]) -> Array:
        """Vertices in px space for named coefficients, head straight."""
        out = self.neutral.copy()
        for name, c in coefficients.items():
            out += c * self.deltas[self.names.index(name)]
        return out


def turned(bake: Bake, points: Array, weight: Array, ypr: tuple[float, ...]) -> Array:
    """Points of the px space with the head turned by yaw, pitch, roll (degrees), by the head model itself."""
    camera = bake.camera
    icts = points / camera.px * np.array([1, -1, -1]) + np.array([0, camera.centre_y, camera.ref_z])
    return bake.ortho(bake.head.rotate_head(icts, weight, ypr))


def sphere_cap(bake: Bake, side: str, place: tuple[int, int], box: list[int]) -> tuple[Array, Array, Array]:
    """Front of one eyeball (points, uv, triangles). uv: where the straight eye shows the point in its layer picture."""
    eye = bake.meta["eyes"][side]
    z = eye["z_px"]
    centre = np.array([*((np.array(eye["centre_px"]) - CANVAS / 2) * (bake.distance + z) / bake.distance), z])
    rings, spokes = 9, 32
    points = [np.array([0.0, 0.0, -1.0])]
    for r in range(1, rings + 1):
        polar = np.radians(70) * r / rings
        for s in range(spokes):
            a = 2 * np.pi * s / spokes
            points.append(np.array([np.sin(polar) * np.cos(a), np.sin(polar) * np.sin(a), -np.cos(polar)]))
    triangles = [(0, 1 + s, 1 + (s + 1) % spokes) for s in range(spokes)]
    for r in range(rings - 1):
        for s in range(spokes):
            a, b = 1 + r * spokes + s, 1 + r * spokes + (s + 1) % spokes
            triangles += [(a, a + spokes, b + spokes), (a, b + spokes, b)]
    surface = centre + np.array(points) * eye["radius_px_ortho"] - np.array([0, 0, bake.bulge[side]])
    uv = bake.project(surface)[:, :2] - np.array(box[:2]) + np.array(place)
    return surface, uv, np.array(triangles)


def build(bake: Bake, places: dict[str, tuple[int, int]], boxes: dict[str, list[int]],
          bands: dict[str, tuple[Array, ...]]) -> Mesh:
    """Every surface that can be seen, before the choice of the visible triangles; bands: sides of the hair, by their place."""
    model, head = bake.model, bake.head
    skin_polygons, socket_end = model.POLY["skin"][1], model.POLY_SOCKET_END
    skin_stencil = limit_stencil(bake, range(0, skin_polygons))
    inner = limit_stencil(bake, range(model.POLY["gums"][0], model.POLY["teeth"][1]))
    stencil = skin_stencil @ inner
    neutral, deltas = shape_positions(bake, stencil)
    gums, teeth = model.mouth_groups(head)
    g0, t0 = model.POLY["gums"][0], model.POLY["teeth"][0]
    pieces: list[tuple[Surface, Array, int]] = []

    def piece(
        polygons: Array, part: int, layer: str | None, scale: float = SKIN_ATLAS, at: tuple[float, float] = (0, 0)
    ) -> None:
        s = assemble(bake, polygons)
        if layer is None:
            uv = s.uv * scale + np.array(at)
        else:
            uv = bake.project(neutral[s.vertex])[:, :2] - np.array(boxes[layer][:2]) + np.array(places[layer])
        pieces.append((s, uv, part))

    piece(np.arange(model.POLY_FACE_END), SKIN, None)
    piece(np.arange(model.POLY_HEAD_END, socket_end), MOUTH, None, 250, places["mouth_socket"])
    piece(np.arange(socket_end, skin_polygons), LASH, None, 0, (places["lash"][0] + 20, places["lash"][1] + 8))
    piece(np.concatenate([g0 + np.flatnonzero(gums == 0), t0 + np.flatnonzero(teeth == 0)]), MOUTH, "mouth_upper")
    piece(np.concatenate([g0 + np.flatnonzero(gums == 1), t0 + np.flatnonzero(teeth == 1)]), MOUTH, "mouth_lower")
    piece(g0 + np.flatnonzero(gums == 2), MOUTH, "mouth_tongue")
    vertex, uv, triangles, part, offset = [], [], [], [], 0
    for s, place, which in pieces:
        vertex.append(s.vertex)
        uv.append(place)
        triangles.append(s.triangles + offset)
        part.append(np.full(len(s.triangles), which, np.uint8))
        offset += len(s.vertex)
    vertices = np.concatenate(vertex)
    points, all_deltas, weight = neutral[vertices], deltas[:, vertices], head.head_weight[vertices]
    for side in ("left", "right"):
        p, q, t = sphere_cap(bake, side, places[f"eye_{side}"], boxes[f"eye_{side}"])
        vertices = np.concatenate([vertices, np.full(len(p), -1)])
        points = np.concatenate([points, p])
        all_deltas = np.concatenate([all_deltas, np.zeros((len(deltas), len(p), 3), np.float32)], 1)
        weight = np.concatenate([weight, np.ones(len(p))])
        uv.append(q)
        triangles.append(t + offset)
        part.append(np.full(len(t), EYE, np.uint8))
        offset += len(p)
    for name, (p, share, q, t, _) in bands.items():
        vertices = np.concatenate([vertices, np.full(len(p), -1)])
        points = np.concatenate([points, p])
        all_deltas = np.concatenate([all_deltas, np.zeros((len(deltas), len(p), 3), np.float32)], 1)
        weight = np.concatenate([weight, share])
        uv.append(q + np.array(places[name]))
        triangles.append(t + offset)
        part.append(np.full(len(t), LASH, np.uint8))
        offset += len(p)
    p, d, t, place = lashes.ribbons(bake)
    vertices = np.concatenate([vertices, np.full(len(p), -1)])
    points, all_deltas = np.concatenate([points, p]), np.concatenate([all_deltas, d], 1)
    weight = np.concatenate([weight, np.ones(len(p))])
    uv.append(np.array(places["lash"]) + np.stack([4 + 8 * place[:, 0], 2 + 12 * place[:, 1]], 1))
    triangles.append(t + offset)
    part.append(np.full(len(t), LASH, np.uint8))
    return Mesh(points, np.concatenate(uv), np.concatenate(triangles), np.concatenate(part), all_deltas, weight, vertices,
                bake.shapes)


def visible_triangles(bake: Bake, mesh: Mesh) -> Array:
    """Triangles that show up in any of a set of extreme poses, and their neighbours."""
    seen = np.zeros(len(mesh.triangles), bool)
    poses: list[tuple[dict[str, float], tuple[int, ...]]] = [({}, h) for h in HEADS] + [(OPEN, h) for h in HEADS]
    poses += [({"jawOpen": jaw}, h) for jaw in (0.5, 1.0) for h in HEADS]
    poses += [({name: 1.0}, (0, 0, 0)) for name in mesh.names]
    blink = {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}
    poses += [({k: v * f for k, v in blink.items()}, h) for f in (0.3, 0.6, 1.0) for h in HEADS]
    for coefficients, ypr in poses:
        points = bake.project(turned(bake, mesh.posed(coefficients), mesh.weight, ypr))
        points[:, :2] *= 1.5
        _, triangle, _ = raster(points, mesh.triangles, 1536, 1536)
        seen[np.unique(triangle[triangle >= 0])] = True
    near = np.zeros(len(mesh.neutral), bool)
    near[mesh.triangles[seen]] = True
    return np.asarray(near[mesh.triangles].any(1))


def keep(mesh: Mesh, wanted: Array) -> Mesh:
    """The mesh of the wanted triangles alone."""
    triangles = mesh.triangles[wanted]
    used, inverse = np.unique(triangles, return_inverse=True)
    return Mesh(mesh.neutral[used], mesh.uv[used], inverse.reshape(-1, 3), mesh.part[wanted], mesh.deltas[:, used],
                mesh.weight[used], mesh.vertex[used], mesh.names)

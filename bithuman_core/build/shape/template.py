"""The average head that portraits are fitted to (made by ``training/avatars/shape_library.py``).

Its geometry is that of the ICT-FaceKit "Light" model, Copyright (c) 2020 USC Institute for Creative Technologies, MIT licence;
pictures of teeth, gums and tongue are this project's own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from bithuman_core.build.arrays import Array
from bithuman_core.build.shape.closing import around_eye, behind_lips, between_teeth
from bithuman_core.intake.pictures import open_picture

SKIN, EYE, MOUTH, RIM, PROXY = 0, 1, 2, 3, 4  # parts of the mesh; PROXY (skull, neck) only tells how deep hair lies
ATLAS = 448  # px, side of the skin's place in the texture
UNIT = 1024 / 32.5  # px of the template in one unit of the head model (8 mm)
ORIGIN = np.array([0.0, 0.5, 6.0])  # of px space in units of the head model (x right, y up, z towards the camera)
TEETH = ((96.0, 127.0), (148.0, 123.0))  # px: from where to where enamel of the upper and of the lower teeth lies
ENAMEL = ((125.0, 557.0), (120.0, 604.0))  # texture px of the shade between them, at the middle
TONGUE = 240.0  # texture px: what goes with the jaw and lies right of it is no tooth
FILE = Path(__file__).with_name("template.npz")


@dataclass(frozen=True, eq=False)
class Template:
    """Px space of the bakes: x right, y down, z away from the camera; 31.5 px a unit of 8 mm. V vertices, M modes, S shapes."""

    points: Array
    """f32 [V, 3]: the average neutral face."""
    modes: Array
    """f32 [M, V, 3]: ways in which faces differ, each of unit variance."""
    triangles: Array
    """u16 [T, 3], clockwise on screen seen from the front."""
    part: Array
    """u8 [T]."""
    uv: Array
    """f32 [V, 2]: texture px; skin in the top `ATLAS` px, the mouth below."""
    names: list[str]
    """[S] ARKit names of the shapes."""
    deltas: Array
    """f32 [S, V, 3]: what each shape moves."""
    rings: dict[str, tuple[Array, Array]]
    """Points on the mesh as rows [n, 3] and weights [n, 3]: mediapipe (468), lips_outer, lips_inner (40 each, from the image-left
    corner over the top), eye_left, eye_right (24 each)."""
    eye_centre: Array
    """f32 [2, 3]: the character's left eyeball (image right), right."""
    eye_modes: Array
    """f32 [2, M, 3]: how the modes move them."""
    eye_radius: float
    eye_place: dict[str, tuple[int, int]]
    """Top left corner of the room for an eye in the texture, px."""
    eye_size: dict[str, tuple[int, int]]
    """Width and height of that room."""
    lash_place: tuple[int, int]
    strip: Array
    """f32 [h, `ATLAS`, 3] 0..1: teeth, gums, tongue and walls of the mouth; the texture below the skin."""

    def vertices_of(self, *parts: int) -> Array:
        """Rows of the vertices that triangles of these parts use."""
        return np.unique(self.triangles[np.isin(self.part, parts)])

    @property
    def teeth(self) -> Array:
        """Rows of teeth, gums and tongue: they are rigid, and no lip moves them."""
        inside = self.vertices_of(MOUTH)
        return inside[self.uv[inside, 1] < self.lash_place[1]]  # the walls are painted in the row of the lashes

    def at(self, ring: str, points: Array) -> Array:
        """The points of a ring [n, 3] on posed vertices [V, 3]."""
        index, weight = self.rings[ring]
        return (points[index] * weight[..., None]).sum(1)


@lru_cache(maxsize=1)
def load_template() -> Template:
    """Read the file; its arrays are read-only and shared."""
    with np.load(FILE, allow_pickle=False) as z:
        file = {name: z[name] for name in z.files}
    points = file["points"]
    names = [str(n) for n in file["shape_names"]]
    deltas = np.zeros((len(names), *points.shape), np.float32)
    start = file["shape_start"]
    for s in range(len(names)):
        rows = slice(start[s], start[s + 1])
        deltas[s, file["shape_index"][rows]] = file["shape_delta"][rows]
    rings = {n: (file[f"{n}_index"].astype(np.int64), file[f"{n}_weight"])
             for n in ("lips_outer", "lips_inner", "eye_left", "eye_right")}
    rings["mediapipe"] = file["landmark_index"].astype(np.int64), file["landmark_weight"]
    strip = np.asarray(open_picture(file["strip"].tobytes(), ("PNG", "WEBP"), ATLAS**2).convert("RGB"), np.float32) / 255
    box = {side: file[f"eye_{side}_box"] for side in ("left", "right")}
    modes = file["modes"].astype(np.float32) * file["mode_scale"][:, None, None]
    head = Template(
        points=points, modes=modes, triangles=file["triangles"], part=file["part"], uv=file["uv"], names=names, deltas=deltas,
        rings=rings, eye_centre=file["eye_centre"], eye_modes=file["eye_modes"], eye_radius=float(file["eye_radius"]),
        eye_place={s: (int(file[f"eye_{s}_place"][0]), int(file[f"eye_{s}_place"][1])) for s in box},
        eye_size={s: (int(b[2] - b[0]), int(b[3] - b[1])) for s, b in box.items()},
        lash_place=(int(file["lash_place"][0]), int(file["lash_place"][1])), strip=strip,
    )  # fmt: skip
    head = _closed(head)
    for array in (head.points, head.modes, head.deltas, head.uv, head.triangles, head.part, strip):
        array.flags.writeable = False
    return head


def _jaws(head: Template) -> tuple[Array, Array]:
    """Rows of upper and of lower teeth; these go with the jaw."""
    falls = np.linalg.norm(head.deltas[head.names.index("jawOpen")][head.teeth], axis=1) > 1
    return head.teeth[~falls], head.teeth[falls]


def _closed(head: Template) -> Template:
    """The head with surfaces behind the rims of lids and lips; their vertices and triangles come last."""
    triangles = head.triangles.astype(np.int64)
    points, uv, rows = head.points, head.uv, np.arange(len(head.points))
    made, part = [triangles], [head.part]
    for k in range(2):
        ball = triangles[(head.part == EYE) & ((head.points[triangles[:, 0], 0] > 0) == (k == 0))]
        copied, places, more = around_eye(points, ball, head.eye_centre[k], head.eye_radius)
        points, uv, rows = np.concatenate([points, places]), np.concatenate([uv, head.uv[copied]]), np.concatenate([rows, copied])
        made.append(more)
        part.append(np.full(len(more), EYE, np.uint8))
    walls = triangles[(head.part == MOUTH) & ~np.isin(triangles, head.teeth).any(1)]
    copied, beside, more = behind_lips(points, triangles[head.part == SKIN], walls, head.at("lips_inner", head.points))
    points, uv = np.concatenate([points, head.points[copied]]), np.concatenate([uv, head.uv[beside]])
    rows = np.concatenate([rows, copied])
    made.append(more)
    part.append(np.full(len(more), MOUTH, np.uint8))
    for (top, low), jaw, (u, v) in zip(TEETH, _jaws(head), ENAMEL, strict=True):
        enamel = jaw[(points[jaw, 1] > min(top, low)) & (points[jaw, 1] < max(top, low)) & (uv[jaw, 0] < TONGUE)]
        copied, places, more = between_teeth(points, enamel, top)
        points, rows = np.concatenate([points, places]), np.concatenate([rows, copied])
        uv = np.concatenate([uv, np.column_stack([u + places[:, 0], np.full(len(places), v)]).astype(uv.dtype)])
        made.append(more)
        part.append(np.full(len(more), MOUTH, np.uint8))
    return replace(head, points=points.astype(np.float32), uv=uv, modes=head.modes[:, rows], deltas=head.deltas[:, rows],
                   triangles=np.concatenate(made).astype(np.uint16), part=np.concatenate(part))  # fmt: skip

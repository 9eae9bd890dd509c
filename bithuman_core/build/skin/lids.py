"""Lids: skin for the folds that the open eye hides, and the line of lashes that a closing one shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bithuman_core.build.arrays import Array
from bithuman_core.build.photo.pixels import halved
from bithuman_core.build.shape.camera import project
from bithuman_core.build.shape.raster import at
from bithuman_core.build.shape.shapes import lids
from bithuman_core.build.shape.template import Template
from bithuman_core.build.skin.skin import Texels

THICK = 0.055  # of the eye's width: lashes below a closed lid
LINES = ((-0.5, 1.0), (0.0, 5.0), (1.0, 15.0))  # of a ribbon: how far below the edge, in units of that; row of its picture
ROWS, DENSE = 16, ((1.0, 5.0, 9.0, 15.0), (0.25, 0.85, 0.85, 0.4))  # of that picture: px; how dense lashes are in some of them
BENEATH = 0.15  # widths of the eye below it, where the colour of its skin is taken
FORWARD = 0.12  # widths of the eye that lashes come forward as it closes
DOWN = 0.5  # of that, as the eye looks down
IN_FRONT = 2.5  # px: lashes before the lid
EVEN = (0.62, 1.3)  # brightness in units of the cheeks': darker (lashes, brows, a frame) or brighter (a reflex) is no lid
ABOUT = 0.45  # widths of the eye about it where lids take their colour from
CHEEKS = (50, 280, 101, 330, 205, 425)
OWN_LIDS = (0.75, 1.25)  # how far the colour of closed lids may be from the skin's around the eye
DARKEST = np.array([0.30, 0.24, 0.21])  # lashes are no brighter than this
SHADE = np.array([0.45, 0.52, 0.56])  # of red, green, blue that the edge of a closed lid loses to its lashes
SHADED, TIPS_SHADE = 0.15, 0.5  # widths of the eye over which; of it what the skin below the tips loses


def plain(template: Template, tx: Texels, colour: Array, places: Array, landmarks: Array, points: Array,
          covered: tuple[str, ...] = ()) -> Array:  # fmt: skip
    """Which texels [n] 0..1 can lend their colour to hidden ones: about the eyes only even skin. colour [n, 3] of the photo.

    covered: eyes ("left", "right") whose lids are behind something and have its colour.
    """
    cheeks = landmarks[list(CHEEKS), :2]
    near = np.any([np.hypot(*(places - cheek).T) < 6 for cheek in cheeks], axis=0)
    light = colour.mean(1)
    usual = float(np.median(light[near])) if near.any() else float(np.median(light))
    even = (light > EVEN[0] * usual) & (light < EVEN[1] * usual)
    out = np.ones(len(places), np.float32)
    for side in (side for side in ("left", "right") if side not in covered):
        rim = project(template.at(f"eye_{side}", points))[:, :2]
        size = float(np.linalg.norm(rim[0] - rim[12]))
        middle = rim.mean(0)
        about = (np.abs(places - middle) < (0.5 + ABOUT) * size * np.array([1.0, 0.7])).all(1)
        out[about & ~even] = 0.0
    return out


def in_their_colour(template: Template, tx: Texels, colour: Array, trust: Array, lid: Array) -> Array:
    """The painted skin colour [ATLAS, ATLAS, 3] with what the open eyes hide of the lids in the colour lid [3] of closed ones.

    trust [n]: how far the photo shows the texels.
    """
    hidden = 1 - tx.image(trust)
    out = colour.copy()
    for ring in ("eye_left", "eye_right"):
        index, weight = template.rings[ring]
        around = (template.uv[index] * weight[..., None]).sum(1)
        size = float(np.linalg.norm(around[0] - around[12]))
        middle = around.mean(0)
        yy, xx = np.mgrid[0:len(colour), 0:len(colour)] + 0.5
        near = np.clip(2 - np.hypot((xx - middle[0]) / (0.6 * size), (yy - middle[1]) / (0.45 * size)) * 1.6, 0, 1)
        share = (near * hidden)[..., None]
        folded = share[..., 0] > 0.5
        if folded.any():
            gain = np.clip(lid / np.maximum(np.median(colour[folded], axis=0), 1e-3), *OWN_LIDS)
            out *= 1 + (gain - 1) * share
    return out


def shaded(template: Template, tx: Texels, points: Array, deltas: Array, colour: Array, added: dict[int, Array]) -> None:
    """Darken the lids towards their lashes as they close: a bare line on even skin looks drawn, and not like a closed eye.

    points [V, 3] neutral vertices, deltas [S, V, 3], colour [ATLAS, ATLAS, 3] the painted skin. added: what a shape adds to it at
    coefficient 1 [ATLAS / 2, ATLAS / 2, 3], by its row; changed in place.
    """
    plain = halved(colour)
    for side in ("left", "right"):
        blink = template.names.index(f"eyeBlink{side.capitalize()}")
        closed = project(points + deltas[blink])
        edge = lids(template.at(f"eye_{side}", closed))[0]
        places, size = at(closed, tx.corners, tx.weights), float(np.linalg.norm(edge[0] - edge[-1]))
        along = (places[:, 0] - edge[0, 0]) / (edge[-1, 0] - edge[0, 0])
        above = (np.interp(places[:, 0], edge[:, 0], edge[:, 1]) - places[:, 1]) / (SHADED * size)
        dark = np.exp(-(above**2)) * (above > 0) * np.sqrt(np.clip(4 * along * (1 - along), 0, 1))
        before = added.get(blink, np.zeros_like(plain))
        added[blink] = before - halved(tx.image(dark))[..., None] * SHADE * (plain + before)


@dataclass(frozen=True)
class Lashes:
    """Ribbons of lashes, nothing in the neutral: px space [n, 3], deltas [S, n, 3], triangles [t, 3].

    picture [ROWS, 1, 3] RGB: what they show from the lid to their tips; row [n]: of it at the points, px.
    """

    points: Array
    deltas: Array
    triangles: Array
    picture: Array
    row: Array


def lashes(template: Template, points: Array, deltas: Array, photo: Array) -> Lashes:
    """Lashes of the upper lids of the neutral vertices points [V, 3] with deltas [S, V, 3], in the photo's colour."""
    where, moves, triangles, rows = [], [], [], []
    for k, side in enumerate(("left", "right")):
        index, weight = (lids(a)[0] for a in template.rings[f"eye_{side}"])
        edge = (points[index] * weight[..., None]).sum(1) - (0, 0, IN_FRONT)
        follow = (deltas[:, index] * weight[..., None]).sum(2)
        size, n = float(np.linalg.norm(edge[0] - edge[-1])), len(edge)
        hang = THICK * size * np.sin(np.linspace(0.12, np.pi - 0.12, n)) ** 0.6
        blink, down = (template.names.index(f"{shape}{side.capitalize()}") for shape in ("eyeBlink", "eyeLookDown"))
        follow[blink, :, 2] -= FORWARD * size  # a closed lid dips behind the lower one
        for reach, row in LINES:
            line = follow.copy()
            line[blink, :, 1] += reach * hang
            line[down, :, 1] += DOWN * reach * hang
            where.append(edge)
            moves.append(line)
            rows.append(np.full(n, row))
        for strip in range(len(LINES) - 1):
            a = np.arange(n - 1) + n * (len(LINES) * k + strip)
            triangles += [np.stack([a, a + 1, a + n + 1], 1), np.stack([a, a + n + 1, a + n], 1)]
    return Lashes(np.concatenate(where), np.concatenate(moves, 1).astype(np.float32), np.concatenate(triangles),
                  _picture(template, points, photo), np.concatenate(rows))  # fmt: skip


def _picture(template: Template, points: Array, photo: Array) -> Array:
    """What lashes show [ROWS, 1, 3], from the lid to their tips, in the colours of the photo.

    At both ends they come near the skin's colour: the outline of a ribbon is drawn in steps, which a black one shows.
    """
    dark, skin = [], []
    for side in ("left", "right"):
        upper, lower = (project(lid)[:, :2] for lid in lids(template.at(f"eye_{side}", points)))
        size = float(np.linalg.norm(upper[0] - upper[-1]))
        x, y = np.clip(upper[2:-2], 3, len(photo) - 4).astype(int).T
        line = np.stack([photo[y + d, x] for d in (-3, -1, 1)])
        dark.append(line[line.mean(2).argmin(0), np.arange(len(x))])
        x, y = np.clip(lower[2:-2] + np.array([0, BENEATH * size]), 0, len(photo) - 1).astype(int).T
        skin.append(photo[y, x])
    colour = np.minimum(0.8 * np.quantile(np.concatenate(dark), 0.25, axis=0), DARKEST)
    beside = np.median(np.concatenate(skin), axis=0) * (1 - SHADE * np.linspace(1, TIPS_SHADE, ROWS)[:, None])
    share = np.interp(np.arange(ROWS) + 0.5, *DENSE)[:, None]
    return (colour * share + beside * (1 - share))[:, None]

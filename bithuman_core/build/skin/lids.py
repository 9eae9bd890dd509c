"""Lids: skin for the folds that the open eye hides, and the line of lashes that a closing one shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bithuman_core.build.arrays import Array
from bithuman_core.build.photo.pixels import halved
from bithuman_core.build.shape.camera import project
from bithuman_core.build.shape.outline import to_outline, within
from bithuman_core.build.shape.raster import at
from bithuman_core.build.shape.shapes import lids
from bithuman_core.build.shape.template import Template
from bithuman_core.build.skin.skin import Texels
from bithuman_core.render.smoothstep import smoothstep

THICK = 0.055  # of the eye's width: lashes below a closed lid
LINES = ((-0.5, 1.0), (0.0, 5.0), (1.0, 15.0))  # of a ribbon: how far below the edge, in units of that; row of its picture
ROWS, DENSE = 16, ((1.0, 5.0, 9.0, 15.0), (0.25, 0.85, 0.85, 0.4))  # of that picture: px; how dense lashes are in some of them
BENEATH = 0.15  # widths of the eye below it, where the colour of its skin is taken
FORWARD = 0.12  # widths of the eye that lashes come forward as it closes
DOWN = 0.5  # of that, as the eye looks down
IN_FRONT = 2.5  # px: lashes before the lid
EVEN = (0.75, 1.3)  # brightness in units of the socket's: darker (lashes, brows, a frame) or brighter (a reflex) is no lid
ABOUT = 0.45  # widths of the eye about it where that holds
BESIDE_LASHES, REACH = 0.1, 0.5  # widths of the eye from its rim: skin that tells the colour of its lids
LEAST_SKIN, CLOSE = 60, 0.3  # texels of it; the farther it is (widths of the eye, sigma), the less it says
USUAL, UNEVEN, STEADY, ROUNDS = 0.6, 0.1, 0.05, 8  # its brightness to begin with, as a quantile; how far even skin lies off the
# plane, as a share; pull towards a level one; rounds
FOLDED = (0.05, 0.35)  # of the way of the lid's edge: skin that goes less stays the photo's, and that goes more is a lid
LOWERED = 0.5  # of the paint that a lid shows as the eye looks down
OWN_LIDS = (0.75, 1.25)  # how far the colour of closed lids may be from the skin's around the eye
DARKEST = np.array([0.30, 0.24, 0.21])  # lashes are no brighter than this
SHADE = np.array([0.45, 0.52, 0.56])  # of red, green, blue that the edge of a closed lid loses to its lashes
SHADED, TIPS_SHADE = 0.12, 0.5  # widths of the eye over which; of it what the skin below the tips loses


@dataclass(frozen=True)
class Socket:
    """The even skin about one eye: its colour as a plane over the canvas. middle [2] px, size: the eye's width, px."""

    middle: Array
    size: float
    plane: Array  # [3, 3]: of 1 and the way right and down in widths of the eye, the RGB

    def at(self, places: Array) -> Array:
        """Its colour [n, 3] at canvas px [n, 2]."""
        return np.clip(_across(places, self.middle, self.size) @ self.plane, 0, 1).astype(np.float32)


def _across(places: Array, middle: Array, size: float) -> Array:
    """1 and the way from the middle in widths of the eye [n, 3], no farther than skin was looked at."""
    way = np.clip((places - middle) / size, -REACH - 0.5, REACH + 0.5)
    return np.concatenate([np.ones((len(way), 1)), way], 1)


def sockets(template: Template, points: Array, spots: Array, photo: Array, lends: Array,
            covered: tuple[str, ...] = ()) -> dict[str, Socket]:  # fmt: skip
    """The skin about both eyes ("left", "right") that are not covered. photo [n, 3]: colour of the texels at canvas px spots
    [n, 2] of the vertices points [V, 3]; lends [n] 0..1: which of them may tell.

    Lids lie in the shade of their brow, under a cap in that of its peak: only the socket's own skin tells their colour. Lashes,
    brow, liner, a fringe or a reflex lie off the plane of the others and are left out (iteratively reweighted least squares).
    """
    out = {}
    for side in (side for side in ("left", "right") if side not in covered):
        rim = project(template.at(f"eye_{side}", points))[:, :2]
        middle, size = rim.mean(0), float(np.linalg.norm(rim[0] - rim[12]))
        away = to_outline(rim, spots, REACH * size) / size
        near = (away > BESIDE_LASHES) & np.isfinite(away) & ~within(spots, rim) & (lends > 0.5)
        if near.sum() < LEAST_SKIN:
            near = np.isfinite(away) & ~within(spots, rim)
        basis, light, close = _across(spots[near], middle, size), photo[near].mean(1), np.exp(-((away[near] / CLOSE) ** 2))
        expected = np.full(len(light), np.quantile(light[close >= np.median(close)], USUAL))
        share = close
        for _ in range(ROUNDS):
            share = close * (1 + ((light / np.maximum(expected, 0.02) - 1) / UNEVEN) ** 2) ** -2.0
            expected = basis @ _plane(basis, share, light)
        out[side] = Socket(middle, size, _plane(basis, share, photo[near]))
    return out


def _plane(basis: Array, share: Array, values: Array) -> Array:
    """The weighted least squares of values [n(, k)] on the basis [n, 3], pulled towards a level plane."""
    weighted = basis * share[:, None]
    return np.linalg.solve(weighted.T @ basis + np.diag([0.0, STEADY, STEADY]) * share.sum(), weighted.T @ values)


def plain(known: dict[str, Socket], colour: Array, places: Array) -> Array:
    """Which texels [n] can lend their colour to hidden ones, 0 or 1: about the eyes only skin like that of their sockets.

    colour [n, 3] of the photo at places [n, 2].
    """
    out = np.ones(len(places), np.float32)
    for socket in known.values():
        about = (np.abs(places - socket.middle) < (0.5 + ABOUT) * socket.size * np.array([1.0, 0.7])).all(1)
        light = colour[about].mean(1) / np.maximum(socket.at(places[about]).mean(1), 0.02)
        out[about] *= (light > EVEN[0]) & (light < EVEN[1])
    return out


def closed(template: Template, tx: Texels, known: dict[str, Socket], points: Array, deltas: Array, colour: Array, trust: Array,
           observed: Array | None = None) -> tuple[Array, dict[int, Array]]:  # fmt: skip
    """The painted skin [ATLAS, ATLAS, 3] with the sockets' colour in the folds that open eyes hide, and what lids add to it as
    they close [ATLAS / 2, ATLAS / 2, 3] (RGB, 0..1) by row of the shapes.

    A lid unfolds to three times its height: the crease, lashes and liner that the photo shows of it would be stretched with it.
    points [V, 3] neutral vertices, deltas [S, V, 3]; colour [ATLAS, ATLAS, 3]; trust [n]: how far the photo shows the texels;
    observed [3]: colour of the closed lids, where other pictures show it.
    """
    out, added = colour.copy(), {}
    hidden = 1 - tx.image(trust)[..., None]
    for side, socket in known.items():
        blink, down = (template.names.index(f"{shape}{side.capitalize()}") for shape in ("eyeBlink", "eyeLookDown"))
        places = at(project(points + deltas[blink]), tx.corners, tx.weights)[:, :2]
        way = (deltas[blink, :, 1][tx.corners] * tx.weights).sum(1)
        share = tx.image(smoothstep(way / max(float(way.max()), 1e-3), *FOLDED).astype(np.float32))[..., None]
        moved = way > FOLDED[0] * way.max()
        skin = np.zeros((len(way), 3), np.float32)
        skin[moved] = socket.at(places[moved])
        if observed is not None:
            skin *= np.clip(observed / np.maximum(np.median(skin[moved], axis=0), 1e-3), *OWN_LIDS)
        lid = tx.image(skin)
        out += hidden * share * (lid - out)
        added[blink] = halved((lid - out) * share)
        added[down] = LOWERED * added[blink]
    return out, added


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

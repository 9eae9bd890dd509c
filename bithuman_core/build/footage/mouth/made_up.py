"""The inside of a mouth that a clip never shows open, or never wide: that of the photo avatar of its calmest picture."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter1d, grey_closing

from bithuman_core.build.analysis import analyse
from bithuman_core.build.arrays import Array
from bithuman_core.build.assemble import assemble
from bithuman_core.build.footage.mouth.interiors import patch
from bithuman_core.build.footage.mouth.lips import OPPOSITE
from bithuman_core.build.footage.person.mesh import DOWN, UP
from bithuman_core.build.footage.person.tracking import track
from bithuman_core.build.photo.models import load_face_nets
from bithuman_core.face import FaceState
from bithuman_core.imx import ImxFile
from bithuman_core.imx.checksum import describe
from bithuman_core.render import PortraitRenderer, read_rig
from bithuman_core.render.footage.interior import Interiors, measures
from bithuman_core.render.footage.mouth_patch import INSIDE, PARTED, features

INNER_UP, INNER_DOWN = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308), (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
OPENINGS = (0.1, 0.18, 0.3, 0.45)  # jawOpen
FORMS: tuple[dict[str, float], ...] = ({}, {"mouthFunnel": 0.4, "mouthPucker": 0.25}, {"mouthStretch": 0.3, "mouthUpperUp": 0.2})
LIFTED = 0.5  # of jawOpen: how far the lips part beside it
LINES, LINES_LEFT, SOFT = 7, 0.35, 1.0  # px of a patch: lines between teeth that are no wider, what is left of them; softness
TEETH_SHARE, BRIGHTER = 0.97, 1.15  # quantile of the patches' light that is teeth, beside the usual light of the skin at most
WIDE, WIDER = 0.06, 1.4  # face widths of gap: below, own pictures get made-up ones beside them; from so many times their gap on


def made_up_mouths(picture: Array) -> Interiors:
    """Pictures of an open mouth for the person in a picture uint8 [h, w, 3], RGB. Raises `BuildError` where it cannot be used."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    manifest, arrays = assemble(analyse(stream.getvalue()), "mouth")
    manifest.arrays = describe(arrays)
    rig = read_rig(ImxFile(manifest, arrays))
    renderer = PortraitRenderer(rig)
    frames = [renderer.render(_face(jaw, form))[:, :, ::-1].copy() for form in FORMS for jaw in OPENINGS]
    marks = track(load_face_nets(), frames, 1).landmarks
    patches, told = [], []
    for frame, points in zip(frames, marks, strict=True):
        ring = _ring(points)
        seen = patch(frame, ring)
        closed = grey_closing(seen, (1, LINES, 1))  # rectified from few px, lines between teeth become bars
        patches.append(gaussian_filter1d(closed + LINES_LEFT * (seen - closed), SOFT, axis=1).astype(np.float32))
        told.append(measures(ring, float(np.linalg.norm(points[454, :2] - points[234, :2]))))
    gap, width = np.array(told).T
    lit = np.stack(patches) * _light(patches, frames[0], marks[0])
    return Interiors(lit, features(gap, width), np.maximum(gap, 1e-3).astype(np.float32))


def widened(own: Interiors, picture: Array) -> Interiors:
    """The person's own pictures, and made-up ones, as light as those are, for mouths far wider open than any of them."""
    made = made_up_mouths(picture)
    wider = made.gap > WIDER * own.gap.max()
    teeth, made_teeth = (np.quantile(some.patches.mean(-1), TEETH_SHARE) for some in (own, made))
    lit = made.patches[wider] * np.float32(min(teeth / max(made_teeth, 1.0), 1.0))
    both = (own.patches, lit), (own.features, made.features[wider]), (own.gap, made.gap[wider])
    return Interiors(*(np.concatenate(parts) for parts in both))


def _light(patches: list[Array], picture: Array, marks: Array) -> np.float32:
    """What the teeth are to be multiplied by: those in the shade of lips are hardly brighter than the skin."""
    x, y = (np.clip(marks[:468, d].astype(int), 0, picture.shape[1 - d] - 1) for d in (0, 1))
    skin, teeth = float(np.median(picture[y, x].mean(-1))), float(np.quantile(np.stack(patches).mean(-1), TEETH_SHARE))
    return np.float32(min(1.0, BRIGHTER * skin / max(teeth, 1.0)))


def _face(jaw: float, form: dict[str, float]) -> FaceState:
    face = FaceState()
    face["jawOpen"] = jaw
    for name, amount in {"mouthLowerDown": LIFTED * jaw, "mouthUpperUp": LIFTED * jaw, **form}.items():
        for side in ("",) if name in ("mouthFunnel", "mouthPucker") else ("Left", "Right"):
            face[name + side] = amount
    return face


def _ring(points: Array) -> Array:
    """The ring [40, 2] px of the inner lips, a little inside, of landmarks [478, 3]."""
    ring = np.zeros((40, 2))
    for half, numbers in ((UP, INNER_UP), (DOWN, INNER_DOWN)):
        line = points[list(numbers), :2].astype(np.float64)
        far = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
        at = np.linspace(0, far[-1], 21)
        ring[half] = np.stack([np.interp(at, far, line[:, d]) for d in (0, 1)], 1)
    way = ring[OPPOSITE] - ring
    gap = np.linalg.norm(way, axis=1, keepdims=True)
    return ring + INSIDE * np.minimum(gap / PARTED, 1) * way / np.maximum(gap, 1e-3)

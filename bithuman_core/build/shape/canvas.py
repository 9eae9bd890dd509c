"""Laying the photo on the canvas: head upright and in its place, the photo continued where it ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from bithuman_core.build.photo.framing import FRAMINGS, Framing
from bithuman_core.build.photo.landmarker import CHIN, EYE_CORNERS, Face
from bithuman_core.build.photo.portrait import CANVAS, FACE_WIDTH
from bithuman_core.build.shape.distance import nearest_in

LARGEST_FACE, LOW_FACE, CLOSE_FACE = 0.52, 0.46, 0.42
"""Its share of the shorter side at most where the photo cuts off the head, ends below it, and ends beside it."""
CROWN = 1.15
"""Face widths from the eyes to the top of the hair, about: a photo that ends below that cuts hair off."""
CUT = 8
"""Px of the photo's edge that must be free of hair, and that may be missing at the bottom."""
SPREAD = 0.25
"""How fast the continued picture blurs, px a px beyond the edge."""
FINE = 0.7
"""Px of the photo to one of the canvas from which frames of the canvas' size show more than enlarged ones of half of it."""


@dataclass(frozen=True)
class Canvas:
    """The photo on the canvas (H x W px): picture [H, W, 3] RGB 0..1; inside [H, W], True where the photo is;
    nearest [2, H, W] row and column of the nearest px of the photo; landmarks [478, 3] canvas px; corner: x, y of the square
    of CANVAS px about the head; density: px of the photo to one of the canvas."""

    picture: NDArray[np.float32]
    inside: NDArray[np.bool_]
    nearest: NDArray[np.int32]
    landmarks: NDArray[np.float32]
    corner: tuple[int, int] = (0, 0)
    density: float = 0.0

    def missing(self, alpha: NDArray[np.float32]) -> list[str]:
        """Sentences on what of the person (matte [H, W]) the photo does not show."""
        notes = []
        shown = self.inside & (alpha > 0.5)
        height = len(self.inside)
        low = height - 1 - int(np.flatnonzero(self.inside.any(1))[-1])
        if low > CUT:
            notes.append(f"The photo ends below the chin: the lowest {100 * low / height:.0f} % of the picture are made up.")
        head = shown[: int(self.landmarks[CHIN, 1])]
        edge = ~ndimage.binary_erosion(self.inside, iterations=CUT, border_value=1)[: len(head)] & self.inside[: len(head)]
        if (head & edge).sum() > CUT * CUT:
            notes.append("Hair leaves the photo: what is cut off is made up. A photo with room around the head is better.")
        return notes


def lay_out(face: Face, image: Image.Image, framing: Framing = FRAMINGS["1:1"]) -> Canvas:
    """The photo turned, scaled and moved so that the head is upright and the face FACE_WIDTH of the shorter side wide.

    Where the photo ends within the canvas, the picture is moved and enlarged as far as the head allows.
    """
    roll = float(np.radians(face.angles[2]))
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    eyes = face.landmarks[EYE_CORNERS, :2].mean(0).astype(np.float64)
    middle = face.box[:2] * 0.25 + face.box[2:] * 0.25 + eyes * 0.5
    scale, height = _placing(face, image, turn, eyes, framing)
    place = np.array([framing.width / 2 - float(((middle - eyes) @ turn)[0]) * scale, height])
    origin = eyes - turn @ place / scale
    picture, inside = _resample(image, turn / scale, origin, (framing.width, framing.height))
    landmarks = face.landmarks * np.float32(scale)
    landmarks[:, :2] = (face.landmarks[:, :2] - origin) @ turn * scale
    nearest = nearest_in(inside)
    top = round(height - FRAMINGS["1:1"].eye_line * CANVAS)
    corner = (framing.width - CANVAS) // 2, min(max(top, 0), framing.height - CANVAS)
    return Canvas(_continued(picture, inside, nearest), inside, nearest, landmarks.astype(np.float32), corner, 1 / scale)


def _placing(
    face: Face, image: Image.Image, turn: NDArray[np.float64], eyes: NDArray[np.float64], framing: Framing
) -> tuple[float, float]:
    """Canvas px a photo px, and the height of the eyes on the canvas (px).

    What the photo lacks would be made up: it is shown larger, as far as its face may be, and hair that it cuts off at its edge is
    cut off by the frame.
    """
    left, right, above, below = (_room(image, eyes, way) for way in (-turn[:, 0], turn[:, 0], -turn[:, 1], turn[:, 1]))
    cut = above < CROWN * face.width
    wanted = [(framing.width / 2 / min(left, right), CLOSE_FACE), ((1 - framing.lowest_eyes) * framing.height / below, LOW_FACE)]
    if cut:  # the square about the head is what matters
        square = FRAMINGS["1:1"]
        wanted += [(CANVAS / min(2 * left, 2 * right, above + below), LARGEST_FACE),
                   (square.highest_eyes * CANVAS / above, LARGEST_FACE)]  # fmt: skip
    unit = CANVAS / face.width
    scale = max(FACE_WIDTH * unit, *(min(larger, largest * unit) for larger, largest in wanted))
    low, high = framing.height - below * scale, above * scale if cut else framing.height
    height = min(max(framing.eye_line * framing.height, low), high)
    return scale, min(max(height, framing.highest_eyes * framing.height), framing.lowest_eyes * framing.height)


def _room(image: Image.Image, eyes: NDArray[np.float64], way: NDArray[np.float64]) -> float:
    """Photo px from the eyes straight on, the way [2] of the head, to the photo's edge, at least 1."""
    rooms = [(limit - start) / step if step > 0 else -start / step
             for start, step, limit in zip(eyes, way, image.size, strict=True) if abs(step) > 1e-6]  # fmt: skip
    return max(float(min(rooms)), 1.0)


def _resample(
    image: Image.Image, matrix: NDArray[np.float64], origin: NDArray[np.float64], size: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Canvas px p shows photo px matrix @ p + origin; the photo is made smaller first where it has more px than the canvas.

    size: width and height of the canvas.
    """
    width, height = size
    step = float(np.linalg.norm(matrix[:, 0]))
    corners = np.array([(0, 0), (width, 0), (0, height), (width, height)]) @ matrix.T + origin
    left, top = np.clip(np.floor(corners.min(0)).astype(int) - 2, 0, np.array(image.size) - 1)
    right, bottom = np.clip(np.ceil(corners.max(0)).astype(int) + 2, (left + 1, top + 1), image.size)
    box = (int(left), int(top), int(right), int(bottom))
    cut = np.array([right - left, bottom - top])
    shrink = max(step, 1.0)
    smaller = np.maximum(1, np.round(cut / shrink)).astype(int)
    ratio = smaller / cut
    part = image.resize((int(smaller[0]), int(smaller[1])), Image.Resampling.LANCZOS, box) if shrink > 1 else image.crop(box)
    m, o = matrix * ratio[:, None], (origin - (left, top)) * ratio
    place = tuple(float(v) for v in (m[0, 0], m[0, 1], o[0], m[1, 0], m[1, 1], o[1]))
    drawn = part.transform(size, Image.Transform.AFFINE, place, Image.Resampling.BICUBIC)
    y, x = np.arange(height)[:, None] + 0.5, np.arange(width) + 0.5
    px, py = (matrix[k, 0] * x + matrix[k, 1] * y + origin[k] for k in (0, 1))
    border = max(1.0, step)
    inside = (px > border) & (py > border) & (px < image.width - border) & (py < image.height - border)
    return np.asarray(drawn, np.float32) / np.float32(255), inside


def _continued(picture: NDArray[np.float32], inside: NDArray[np.bool_], nearest: NDArray[np.int32]) -> NDArray[np.float32]:
    """Beyond the photo's edge its last px go on, the softer the farther: clothes stay clothes, without stripes."""
    if inside.all():
        return picture
    height, width = inside.shape
    half, size = slice(None, None, 2), (width // 2, height // 2)
    rows, columns = nearest[0][half, half], nearest[1][half, half]
    y, x = np.mgrid[0:height:2, 0:width:2]
    softness = np.log2(np.maximum(np.hypot(y - rows, x - columns) * SPREAD, 1))
    level = [Image.fromarray(np.ascontiguousarray(picture[rows, columns, k])) for k in range(3)]
    soft = np.stack([np.asarray(plane) for plane in level], -1)
    for number in range(1, int(np.ceil(softness.max())) + 1):
        level = [plane.reduce(2) for plane in level]
        blurred = np.stack([np.asarray(plane.resize(size, Image.Resampling.BICUBIC)) for plane in level], -1)
        soft += np.clip(softness - number + 1, 0, 1)[..., None].astype(np.float32) * (blurred - soft)
    planes = [Image.fromarray(np.ascontiguousarray(soft[..., k])) for k in range(3)]
    whole = np.stack([np.asarray(plane.resize((width, height), Image.Resampling.BILINEAR)) for plane in planes], -1)
    return np.where(inside[..., None], picture, whole)

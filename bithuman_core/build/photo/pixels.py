"""The pixels of a face at a given size: what colours and sharpness are measured on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bithuman_core.build.photo.landmarker import Face


def halved(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean over 2 x 2 px of a picture [h, w(, k)]; slices add up faster than a reshaped array does."""
    rows = picture[0::2] + picture[1::2]
    return np.asarray(0.25 * (rows[:, 0::2] + rows[:, 1::2]), np.float32)


def doubled(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """A picture [h, w(, k)] at twice its size (bicubic)."""
    height, width, *channels = picture.shape
    out = np.empty((2 * height, 2 * width, *channels), np.float32)
    planes = [(picture[..., k], out[..., k]) for k in range(*channels)] if channels else [(picture, out)]
    for plane, larger in planes:
        image = Image.fromarray(np.ascontiguousarray(plane, np.float32))
        larger[:] = np.asarray(image.resize((2 * width, 2 * height), Image.Resampling.BICUBIC))
    return out


def face_pixels(face: Face, image: Image.Image, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The face's box brought to ``width`` px, [h, w, 3] RGB 0..1, and the landmarks [478, 2] in it."""
    low = np.clip(face.box[:2], 0, None)
    high = np.minimum(face.box[2:], image.size)
    scale = width / face.width
    size = np.maximum(2, np.round((high - low) * scale)).astype(int)
    left, top, right, bottom = (float(v) for v in (*low, *high))
    way = Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.BOX
    part = image.resize((int(size[0]), int(size[1])), way, box=(left, top, right, bottom))
    return np.asarray(part, np.float32) / np.float32(255), ((face.landmarks[:, :2] - low) * scale).astype(np.float32)

"""The pictures of an avatar at the size that its frames need."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bithuman_core.errors import ModelLoadError
from bithuman_core.imx import ImxFile


def bgra(avatar: ImxFile, name: str, channels: int, most: int, halved: bool = False) -> NDArray[np.uint8]:
    """A picture of the file as BGR or BGRA, uint8 [h, w, channels]; halved: every 2 x 2 px as their mean.

    most: px of its longer side here. Raises ModelSecurityError where it is larger (before it is decoded), ModelLoadError where it
    has no colours, or a side that cannot be halved.
    """
    picture = avatar.image(name, 2 * most if halved else most)
    if picture.ndim != 3 or picture.shape[2] < min(channels, 3):
        raise ModelLoadError(f"The avatar's picture {name!r} has no colours; build it again with this version.")
    if halved:
        if picture.shape[0] % 2 or picture.shape[1] % 2:
            raise ModelLoadError(f"The avatar's picture {name!r} has an odd side and cannot be halved; build it again.")
        picture = np.asarray(Image.fromarray(picture).reduce(2)) if picture.shape[2] == 3 else _halved(picture)
    out = np.full((*picture.shape[:2], channels), 255, np.uint8)
    out[..., :3] = picture[..., 2::-1]
    if channels == 4 and picture.shape[2] == 4:
        out[..., 3] = picture[..., 3]
    out.flags.writeable = False
    return out


def packed(avatar: ImxFile, name: str, most: int, halved: bool = False) -> NDArray[np.uint32]:
    """The same as one uint32 BGRA a texel."""
    return bgra(avatar, name, 4, most, halved).view(np.uint32)[..., 0]


def doubled(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture [h, w, 3] at twice its size."""
    height, width = picture.shape[:2]
    out = np.asarray(Image.fromarray(picture).resize((2 * width, 2 * height), Image.Resampling.BICUBIC))
    out.flags.writeable = False
    return out


def _halved(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """As stored, colours apart from alpha: what a texture shows where it is transparent continues what is beside it."""
    rows = picture[0::2].astype(np.uint16) + picture[1::2]  # slices add up faster than a reshaped array does
    return ((rows[:, 0::2] + rows[:, 1::2] + 2) >> 2).astype(np.uint8)

"""Frames of another size than the avatar's own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bithuman_core.settings import MAX_SIDE, MIN_SIDE

BLUR = 48  # px that become one


def output_size(own: tuple[int, int], wanted: int | tuple[int, int] | None) -> tuple[int, int]:
    """Width and height in px, even: those given, or with this longest side; 0 or None keeps the avatar's own.

    Raises ValueError outside 64..2160.
    """
    if not longest(wanted):
        return own
    width, height = own
    if isinstance(wanted, int):
        scale = wanted / max(own)
        wanted = round(width * scale), round(height * scale)
    if not wanted or not all(MIN_SIDE <= side <= MAX_SIDE for side in wanted):
        raise _no_size(wanted)
    return wanted[0] - wanted[0] % 2, wanted[1] - wanted[1] % 2


def _no_size(wanted: object) -> ValueError:
    allowed = f"from {MIN_SIDE} to {MAX_SIDE} px"
    return ValueError(f"The output size is {wanted!r}; give the longest side, or (width, height), {allowed}.")


def longest(wanted: int | tuple[int, int] | None) -> int:
    """The longest side that is asked for, px; 0 where none is. Raises ValueError for what is neither a side nor two."""
    if not wanted:
        return 0
    if isinstance(wanted, int):
        return wanted
    if not isinstance(wanted, tuple | list) or len(wanted) != 2 or not all(isinstance(side, int) for side in wanted):
        raise _no_size(wanted)
    return max(wanted)


def scaled(frame: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """A frame (uint8 [h, w, 3]) at a size (width, height), never stretched; itself where it has that size already.

    Of another aspect the whole picture stands in the middle, before a blur of itself.
    """
    if frame.shape[1::-1] == size:
        return frame
    height, width = frame.shape[:2]
    share = min(size[0] / width, size[1] / height)
    inner = min(size[0], round(width * share)), min(size[1], round(height * share))
    whole = _resized(frame, inner)
    if inner == size:
        return whole
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    blur = _resized(frame, (max(1, size[0] // BLUR), max(1, size[1] // BLUR)))
    out = np.array(Image.fromarray(blur).resize(size, Image.Resampling.BICUBIC))
    out[top : top + inner[1], left : left + inner[0]] = whole
    return out


def scaled_layer(
    frame: NDArray[np.uint8], alpha: NDArray[np.uint8] | None, size: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """A frame and its alpha [h, w] at a size (width, height); around a cut-out of another aspect it is clear.

    The frame is times alpha where there is one, so that both may be resized apart.
    """
    if alpha is None or frame.shape[1::-1] == size:
        return scaled(frame, size), alpha
    height, width = alpha.shape
    share = min(size[0] / width, size[1] / height)
    inner = min(size[0], round(width * share)), min(size[1], round(height * share))
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    box = slice(top, top + inner[1]), slice(left, left + inner[0])
    out, cover = np.zeros((size[1], size[0], 3), np.uint8), np.zeros((size[1], size[0]), np.uint8)
    out[box], cover[box] = _resized(frame, inner), _resized(alpha, inner)
    return out, cover


def _resized(frame: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    shrinks = size[0] <= frame.shape[1]
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC))

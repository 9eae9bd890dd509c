"""Colours at places of pictures: of coloured ones, and of planes as FFmpeg would colour them (numba, one core)."""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

from numba import float32, int32, int64, njit, uint8, void

from bithuman_core.render.kernel import kernel
from bithuman_core.render.signature import given, scratch


@njit(nogil=True)
def _nearest(place, count):
    """The px of ``count`` along a line that is at a place."""
    return int64(min(max(place, float32(0)), float32(count - 1)))


@njit(nogil=True)
def _level(value):
    return uint8(min(max(value, 0), 255))


@kernel(void(given(uint8, 3), given(float32, 2), scratch(uint8, 2)))
def pick(picture, places, out):
    """out [n, 3]: BGR of a picture [h, w, 3] at places [n, 2] px."""
    for n in range(out.shape[0]):
        y, x = _nearest(places[n, 1], picture.shape[0]), _nearest(places[n, 0], picture.shape[1])
        for c in range(3):
            out[n, c] = picture[y, x, c]


@kernel(void(given(uint8, 2), given(uint8, 2), given(uint8, 2), given(float32, 2), scratch(uint8, 2)))
def pick_coloured(luma, blue, red, places, out):
    """out [n, 3]: BGR of planes y [h, w], u and v [h / 2, w / 2] at places [n, 2] px: products of 13 bits, each cut to whole
    levels."""
    for n in range(out.shape[0]):
        y, x = _nearest(places[n, 1], luma.shape[0]), _nearest(places[n, 0], luma.shape[1])
        light = int32(8) * (int32(luma[y, x]) - int32(16)) * int32(9539) >> 16
        u, v = int32(8) * (int32(blue[y // 2, x // 2]) - int32(128)), int32(8) * (int32(red[y // 2, x // 2]) - int32(128))
        out[n, 0] = _level(light + (u * int32(16525) >> 16))
        out[n, 1] = _level(light + (u * int32(-3209) >> 16) + (v * int32(-6660) >> 16))
        out[n, 2] = _level(light + (v * int32(13075) >> 16))

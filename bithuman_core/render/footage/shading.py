"""From samples to pixels: the frame's own colours moved, and the inside of the mouth between the lips (numba, one core)."""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

from numba import float32, int32, int64, njit, uint8, void

from bithuman_core.render.footage.raster import INTERIOR, NOTHING
from bithuman_core.render.kernel import CAREFUL, kernel
from bithuman_core.render.signature import given, scratch

STILL = 0.02  # px: a sample that comes from as near shows the frame as it is


@njit(nogil=True, fastmath=CAREFUL, error_model="numpy")
def _weights(f, out, axis):
    """Catmull-Rom's four weights at the share f between two pixels."""
    half, two, more = float32(0.5), float32(2), float32(1.5)
    out[axis, 0] = f * (-half + f * (float32(1) - half * f))
    out[axis, 1] = float32(1) + f * f * (float32(-2.5) + more * f)
    out[axis, 2] = f * (half + f * (two - more * f))
    out[axis, 3] = f * f * (-half + half * f)


@njit(nogil=True, fastmath=CAREFUL, error_model="numpy")
def _fetch(frame, x, y, weight, colour):
    """The frame's colour [3] at x, y (px), sharp."""
    height, width = frame.shape[0], frame.shape[1]
    u = min(max(x - float32(0.5), float32(1)), float32(width - 3))
    v = min(max(y - float32(0.5), float32(1)), float32(height - 3))
    iu = min(max(int32(u), int32(1)), int32(width - 3))
    iv = min(max(int32(v), int32(1)), int32(height - 3))
    _weights(u - float32(iu), weight, 0)
    _weights(v - float32(iv), weight, 1)
    for c in range(3):
        total = float32(0)
        for row in range(4):
            line = float32(0)
            for column in range(4):
                line += weight[0, column] * float32(frame[iv + row - 1, iu + column - 1, c])
            total += weight[1, row] * line
        colour[c] = total


@njit(nogil=True, fastmath=CAREFUL, error_model="numpy")
def _behind(patch, u, v, light, colour):
    """Add a colour of the mouth's inside, at u, v in its patch (px)."""
    tall, wide = patch.shape[0], patch.shape[1]
    u = min(max(u - float32(0.5), float32(0)), float32(wide) - float32(1.001))
    v = min(max(v - float32(0.5), float32(0)), float32(tall) - float32(1.001))
    iu = min(max(int32(u), int32(0)), int32(wide - 2))
    iv = min(max(int32(v), int32(0)), int32(tall - 2))
    fu, fv = u - float32(iu), v - float32(iv)
    for c in range(3):
        upper = patch[iv, iu, c] * (float32(1) - fu) + patch[iv, iu + 1, c] * fu
        lower = patch[iv + 1, iu, c] * (float32(1) - fu) + patch[iv + 1, iu + 1, c] * fu
        colour[c] += light * (upper * (float32(1) - fv) + lower * fv)


@kernel(
    void(
        given(uint8, 3), int64, int64, int64, int64, given(uint8, 1), given(float32, 2), int64, int64, int64, int64,
        given(uint8, 1), given(float32, 2), given(float32, 3), scratch(float32, 2), scratch(float32, 2), scratch(uint8, 3),
    ),
    fastmath=CAREFUL, error_model="numpy",
)  # fmt: skip
def shade(frame, left, top, width, height, kinds, fetched, mouth_left, mouth_top, mouth_width, mouth_height, fine_kinds,
          fine_fetched, patch, weight, colour, out):  # fmt: skip
    """Fill the box of out [H, W, 3] where samples lie; elsewhere it is left.

    One sample a px, in the mouth's box (px) four. weight [2, 4], colour [2, 3]: scratch.
    """
    skin, inside = colour[0], colour[1]
    inside[0], inside[1], inside[2] = float32(0), float32(0), float32(0)
    for y in range(height):
        for x in range(width):
            px, py = left + x, top + y
            mx, my = px - mouth_left, py - mouth_top
            outer, inner = 0, 0
            fx, fy, light = float32(0), float32(0), float32(0)
            if mx >= 0 and my >= 0 and mx < mouth_width and my < mouth_height:
                inside[0], inside[1], inside[2] = float32(0), float32(0), float32(0)
                for s in range(4):
                    at = (2 * my + (s >> 1)) * 2 * mouth_width + 2 * mx + (s & 1)
                    kind = fine_kinds[at]
                    if kind == INTERIOR:
                        inner += 1
                        _behind(patch, fine_fetched[at, 0], fine_fetched[at, 1], fine_fetched[at, 2], inside)
                    elif kind != NOTHING:
                        outer += 1
                        fx += fine_fetched[at, 0]
                        fy += fine_fetched[at, 1]
                        light += fine_fetched[at, 2]
            if outer + inner == 0:
                at = y * width + x
                if kinds[at] == NOTHING:
                    continue
                outer, fx, fy, light = 1, fetched[at, 0], fetched[at, 1], fetched[at, 2]
                far = abs(fx - float32(px) - float32(0.5)) + abs(fy - float32(py) - float32(0.5))
                if far < float32(STILL) and light > float32(0.999):
                    continue
            skin[0], skin[1], skin[2] = float32(0), float32(0), float32(0)
            if outer > 0:
                n = float32(1) / float32(outer)
                _fetch(frame, fx * n, fy * n, weight, skin)
                light *= n
            whole = float32(1) / float32(outer + inner)
            for c in range(3):
                value = (skin[c] * light * float32(outer) + inside[c] * float32(min(inner, 1))) * whole
                out[py, px, c] = uint8(min(max(value + float32(0.5), float32(0)), float32(255)))


@kernel(void(scratch(uint8, 3), given(uint8, 3), float32), fastmath=True)
def mix(out, other, share):
    """out [h, w, 3] goes over to ``other`` by ``share`` 0..1."""
    whole = int32(share * float32(256))
    flat, more = out.reshape(-1), other.reshape(-1)
    for k in range(flat.shape[0]):
        flat[k] = uint8((int32(flat[k]) * (256 - whole) + int32(more[k]) * whole + 128) >> 8)

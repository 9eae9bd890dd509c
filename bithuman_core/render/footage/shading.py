"""From samples to pixels: the frame's own colours moved, and the inside of the mouth between the lips (numba, one core)."""

# pyright: reportCallIssue=false, reportArgumentType=false, reportGeneralTypeIssues=false
# (numba types are called as casts here; what an intrinsic returns is not known)
from __future__ import annotations

from numba import float32, int32, int64, njit, uint8, uint64, void

from bithuman_core.render.footage.raster import AROUND, INTERIOR, NOTHING
from bithuman_core.render.footage.taps import mean_of_taps
from bithuman_core.render.kernel import CAREFUL, kernel
from bithuman_core.render.signature import given, scratch

SHARP = -0.65  # of the cubic: -0.5 (Catmull and Rom) softens what is moved by parts of a pixel
STILL, LOOSE = 0.04, 0.15  # px: a sample of the face, of neck and background, that comes from as near shows the frame as it is


@njit(nogil=True, fastmath=CAREFUL, error_model="numpy", inline="always")
def _fetch(frame, wide, tall, x, y):
    """The frame's colour at x, y (px), by cubic convolution (Keys 1981). frame: uint8 [tall * wide * 3]."""
    half, one, a = float32(0.5), float32(1), float32(SHARP)
    u = min(max(x - half, one), float32(wide - 3))
    v = min(max(y - half, one), float32(tall - 4))  # the last line's end is read beyond
    iu = min(max(int32(u), int32(1)), int32(wide - 3))
    iv = min(max(int32(v), int32(1)), int32(tall - 4))
    t, s = u - float32(iu), v - float32(iv)
    x0, x1 = a * t * (one - t) * (one - t), one + t * t * ((a + float32(2)) * t - a - float32(3))
    x3 = a * t * t * (one - t)
    x2 = one - x0 - x1 - x3
    y0, y1 = a * s * (one - s) * (one - s), one + s * s * ((a + float32(2)) * s - a - float32(3))
    y3 = a * s * s * (one - s)
    y2 = one - y0 - y1 - y3
    line = uint64(3 * wide)
    at = uint64(iv - 1) * line + uint64(3) * uint64(iu - 1)
    return mean_of_taps(frame, at, line, x0, x1, x2, x3, y0, y1, y2, y3)


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
        given(uint8, 1), given(float32, 2), given(float32, 3), scratch(float32, 1), scratch(uint8, 3),
    ),
    fastmath=CAREFUL, error_model="numpy",
)  # fmt: skip
def shade(frame, left, top, width, height, kinds, fetched, mouth_left, mouth_top, mouth_width, mouth_height, fine_kinds,
          fine_fetched, patch, inside, out):  # fmt: skip
    """Fill the box of out [H, W, 3] where samples lie; elsewhere it is left.

    One sample a px, in the mouth's box (px) four. inside [3]: scratch.
    """
    tall, wide = frame.shape[0], frame.shape[1]
    flat = frame.reshape(-1)
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
                        _behind(patch, fine_fetched[0, at], fine_fetched[1, at], fine_fetched[2, at], inside)
                    elif kind != NOTHING:
                        outer += 1
                        fx += fine_fetched[0, at]
                        fy += fine_fetched[1, at]
                        light += fine_fetched[2, at]
            if outer + inner == 0:
                at = y * width + x
                if kinds[at] == NOTHING:
                    continue
                outer, fx, fy, light = 1, fetched[0, at], fetched[1, at], fetched[2, at]
                far = abs(fx - float32(px) - float32(0.5)) + abs(fy - float32(py) - float32(0.5))
                if far < float32(LOOSE if kinds[at] == AROUND else STILL) and light > float32(0.999):
                    continue
            blue, green, red = float32(0), float32(0), float32(0)
            if outer > 0:
                n = float32(1) / float32(outer)
                blue, green, red = _fetch(flat, wide, tall, fx * n, fy * n)
                light *= n
            whole = float32(1) / float32(outer + inner)
            lit = light * float32(outer) * whole
            if inner > 0:
                blue, green, red = blue * lit + inside[0] * whole, green * lit + inside[1] * whole, red * lit + inside[2] * whole
            else:
                blue, green, red = blue * lit, green * lit, red * lit
            out[py, px, 0] = uint8(min(max(blue + float32(0.5), float32(0)), float32(255)))
            out[py, px, 1] = uint8(min(max(green + float32(0.5), float32(0)), float32(255)))
            out[py, px, 2] = uint8(min(max(red + float32(0.5), float32(0)), float32(255)))


@kernel(void(given(uint8, 3), given(float32, 3), int64, scratch(uint8, 3)), fastmath=CAREFUL, error_model="numpy")
def shift_picture(frame, field, step, out):
    """out [H, W, 3] = the frame, fetched px aside: field [H / step + 1, W / step + 1, 2], linear between its nodes."""
    tall, wide = frame.shape[0], frame.shape[1]
    flat = frame.reshape(-1)
    half, whole, top = float32(0.5), float32(step), float32(255)
    for row in range(tall // step):
        for column in range(wide // step):
            for y in range(row * step, row * step + step):
                t = (float32(y - row * step) + half) / whole
                x0 = field[row, column, 0] + t * (field[row + 1, column, 0] - field[row, column, 0])
                x1 = field[row, column + 1, 0] + t * (field[row + 1, column + 1, 0] - field[row, column + 1, 0])
                y0 = field[row, column, 1] + t * (field[row + 1, column, 1] - field[row, column, 1])
                y1 = field[row, column + 1, 1] + t * (field[row + 1, column + 1, 1] - field[row, column + 1, 1])
                still = max(abs(x0), abs(x1), abs(y0), abs(y1)) < float32(STILL)
                for x in range(column * step, column * step + step):
                    if still:
                        for c in range(3):
                            out[y, x, c] = frame[y, x, c]
                        continue
                    s = (float32(x - column * step) + half) / whole
                    u, v = float32(x) + half + x0 + s * (x1 - x0), float32(y) + half + y0 + s * (y1 - y0)
                    blue, green, red = _fetch(flat, wide, tall, u, v)
                    out[y, x, 0] = uint8(min(max(blue + half, float32(0)), top))
                    out[y, x, 1] = uint8(min(max(green + half, float32(0)), top))
                    out[y, x, 2] = uint8(min(max(red + half, float32(0)), top))


@kernel(void(given(uint8, 3), given(uint8, 3), float32, float32, scratch(uint8, 3)), fastmath=CAREFUL, error_model="numpy")
def mix_pictures(first, second, share, sharper, out):
    """out [h, w, 3] = first going over to ``second`` by ``share`` 0..1, plus ``sharper`` of what is not in its neighbours."""
    tall, wide = out.shape[0], out.shape[1] * 3
    one, two, flat = first.reshape(-1), second.reshape(-1), out.reshape(-1)
    a, b = (float32(1) - share) * (float32(1) + float32(4) * sharper), share * (float32(1) + float32(4) * sharper)
    c, d = (float32(1) - share) * sharper, share * sharper
    for y in range(tall):
        up, down = -wide if y > 0 else 0, wide if y < tall - 1 else 0
        for k in range(y * wide, (y + 1) * wide):
            left = k - 3 if k - 3 >= y * wide else k
            right = k + 3 if k + 3 < (y + 1) * wide else k
            around_one = float32(int32(one[left]) + int32(one[right]) + int32(one[k + up]) + int32(one[k + down]))
            around_two = float32(int32(two[left]) + int32(two[right]) + int32(two[k + up]) + int32(two[k + down]))
            value = a * float32(one[k]) + b * float32(two[k]) - c * around_one - d * around_two
            flat[k] = uint8(min(max(value + float32(0.5), float32(0)), float32(255)))

"""Taking a person out of a frame and laying her over another background (numba, one core)."""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

from numba import float32, int32, int64, njit, uint8, uint32, void

from bithuman_core.render.kernel import CAREFUL, kernel
from bithuman_core.render.signature import given, scratch

STILL = 0.04  # px, as of the pictures: what comes from as near is left as it is


@njit(nogil=True, inline="always")
def _rounded(total):
    """total / 255, rounded; total 0 to 255 * 255."""
    return uint32(uint32(total * uint32(257)) + uint32(32768)) >> uint32(16)


@kernel(
    void(given(uint8, 3), given(uint8, 2), given(uint8, 1), given(uint8, 3), scratch(uint8, 3), scratch(uint8, 2)),
    error_model="numpy",
)
def lift(picture, luma, alpha_of, behind, person, cover):
    """person [h, w, 3] = picture - (1 - alpha) behind, from 0 to alpha; cover [h, w] = alpha, by the luma [h, w].

    behind [h / 4, w / 4, 3] is taken bilinearly.
    """
    tall, wide = int32(behind.shape[0] - 1), int32(behind.shape[1] - 1)
    for y in range(int32(luma.shape[0])):
        v = int32(2 * y - 3)  # eighths of a px of ``behind`` from the middle of its first row
        upper = min(max(v >> int32(3), int32(0)), tall)
        lower, low = min(max((v >> int32(3)) + int32(1), int32(0)), tall), uint32(v & int32(7))
        for x in range(int32(luma.shape[1])):
            a = uint32(alpha_of[luma[y, x]])
            cover[y, x] = uint8(a)
            if a == uint32(0) or a == uint32(255):
                for c in range(3):
                    person[y, x, c] = picture[y, x, c] if a else uint8(0)
                continue
            u = int32(2 * x - 3)
            left = min(max(u >> int32(3), int32(0)), wide)
            right, far = min(max((u >> int32(3)) + int32(1), int32(0)), wide), uint32(u & int32(7))
            for c in range(3):
                above = uint32(behind[upper, left, c]) * (uint32(8) - far) + uint32(behind[upper, right, c]) * far
                below = uint32(behind[lower, left, c]) * (uint32(8) - far) + uint32(behind[lower, right, c]) * far
                ground = uint32(above * (uint32(8) - low) + below * low + uint32(32)) >> uint32(6)
                own = int32(picture[y, x, c]) - int32(_rounded(uint32(255 - a) * ground))
                person[y, x, c] = uint8(min(max(own, int32(0)), int32(a)))


@kernel(void(given(uint8, 3), given(uint8, 2), given(uint8, 3), scratch(uint8, 3)), error_model="numpy")
def lay_over(person, cover, plate, out):
    """out [h, w, 3] = person [h, w, 3], which is times its alpha cover [h, w], over plate [h, w, 3].

    A person who was moved is a little sharper than her cover: what is beyond alpha is cut.
    """
    for y in range(uint32(cover.shape[0])):
        over, under, row, alpha = person[y].reshape(-1), plate[y].reshape(-1), out[y].reshape(-1), cover[y]
        for x in range(uint32(alpha.shape[0])):
            through = uint32(255) - uint32(alpha[x])
            for k in range(uint32(3)):
                at = uint32(3) * x + k
                row[at] = uint8(min(uint32(over[at]), uint32(255) - through) + _rounded(uint32(under[at]) * through))


@kernel(void(given(uint8, 2), given(float32, 3), int64, scratch(uint8, 2)), fastmath=CAREFUL, error_model="numpy")
def shift_cover(cover, field, step, out):
    """out [h, w] = cover, fetched px aside, bilinearly: field [h / step + 1, w / step + 1, 2], linear between its nodes."""
    tall, wide = cover.shape[0], cover.shape[1]
    half, whole = float32(0.5), float32(step)
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
                        out[y, x] = cover[y, x]
                        continue
                    s = (float32(x - column * step) + half) / whole
                    u = min(max(float32(x) + x0 + s * (x1 - x0), float32(0)), float32(wide) - float32(1.001))
                    v = min(max(float32(y) + y0 + s * (y1 - y0), float32(0)), float32(tall) - float32(1.001))
                    iu, iv = min(max(int32(u), int32(0)), int32(wide - 2)), min(max(int32(v), int32(0)), int32(tall - 2))
                    fu, fv = u - float32(iu), v - float32(iv)
                    upper = float32(cover[iv, iu]) * (float32(1) - fu) + float32(cover[iv, iu + 1]) * fu
                    lower = float32(cover[iv + 1, iu]) * (float32(1) - fu) + float32(cover[iv + 1, iu + 1]) * fu
                    out[y, x] = uint8(upper + fv * (lower - upper) + half)


@kernel(void(given(uint8, 2), given(uint8, 2), float32, scratch(uint8, 2)), error_model="numpy")
def mix_covers(first, second, share, out):
    """out [h, w] = first going over to ``second`` by ``share`` 0..1."""
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            a = float32(first[y, x])
            out[y, x] = uint8(a + share * (float32(second[y, x]) - a) + float32(0.5))

"""From visibility to pixels: the head over the backdrop over the plate, row by row (numba, one core).

A row is painted in blocks of eight pixels; nearly all of them are of one kind, and go through a short loop without branches.
Colours are packed, one uint32 BGRA a pixel (blue lowest), alpha straight.
"""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

import numpy as np
from numba import int32, int64, njit, uint8, uint16, uint32, void

from bithuman_core.render.kernel import kernel
from bithuman_core.render.signature import given, scratch
from bithuman_core.render.texel import MOUTH, NOTHING, PART_SHIFT, PLACE, V_SHIFT, find_texels, found, texel

ONE_SURFACE = np.int32(128)  # 1/16 px: samples of a pixel whose texture places are closer lie on one smooth surface
EMPTY, SMOOTH, MIXED = np.uint8(0), np.uint8(1), np.uint8(2)  # kinds of pixels
ALL_EMPTY, ALL_SMOOTH = np.uint64(0), np.uint64(0x0101010101010101)  # eight of them
BYTE, THREE, EIGHT = np.uint32(255), np.uint32(3), np.uint32(8)
WHOLE, EIGHT_BITS = np.uint16(255), np.uint16(8)


@njit(nogil=True)
def sort_head(upper, lower, kind):
    """EMPTY: no sample sees the head. SMOOTH: both see one smooth surface, without light of its own. MIXED: all others."""
    for x in range(uint32(kind.shape[0])):
        a, b = upper[x], lower[x]
        du = abs(int32(int32(a & PLACE) - int32(b & PLACE)))
        dv = abs(int32(int32((a >> V_SHIFT) & PLACE) - int32((b >> V_SHIFT) & PLACE)))
        one_part = (uint32(a ^ b) >> PART_SHIFT == 0) & (a >> PART_SHIFT != MOUTH) & (a != NOTHING) & (b != NOTHING)
        smooth = one_part & (int32(du + dv) < ONE_SURFACE)
        kind[x] = (SMOOTH if smooth else MIXED) if (a & b) != NOTHING else EMPTY


@njit(nogil=True)
def sort_back(words, front, kind):
    """SMOOTH where the backdrop is seen and the head does not cover it, else EMPTY."""
    for x in range(uint32(kind.shape[0])):
        kind[x] = SMOOTH if (words[x] != NOTHING) & (front[x] >> uint32(24) != BYTE) else EMPTY


@njit(nogil=True)
def extent(eights):
    """Where the blocks that are not all empty begin and end, in pixels; 0, 0: there are none."""
    begin, end = uint32(0), uint32(eights.shape[0])
    while end > begin and eights[uint32(end - uint32(1))] == ALL_EMPTY:
        end = uint32(end - uint32(1))
    while begin < end and eights[begin] == ALL_EMPTY:
        begin = uint32(begin + uint32(1))
    return (uint32(begin * EIGHT), uint32(end * EIGHT)) if begin < end else (uint32(0), uint32(0))


@njit(nogil=True)
def lit(colour, word, light, tint):
    """The colour of one sample: 0 where it sees nothing, under its light in the mouth."""
    if word == NOTHING:
        return uint32(0)
    if word >> PART_SHIFT != MOUTH:
        return colour
    blue, green = ((colour & BYTE) * tint[light, 0]) >> 8, (((colour >> uint32(8)) & BYTE) * tint[light, 1]) >> 8
    red = (((colour >> uint32(16)) & BYTE) * tint[light, 2]) >> 8
    return uint32((colour & uint32(0xFF000000)) | uint32(blue) | (uint32(green) << uint32(8)) | (uint32(red) << uint32(16)))


@njit(nogil=True)
def mean_of_two(a, b):
    """The mean of two colours, each as much as its alpha."""
    a, b = int64(a), int64(b)
    share_a, share_b = a >> 24, b >> 24
    total = max(share_a + share_b, 1)
    out = ((total + 1) >> 1) << 24
    for shift in (0, 8, 16):
        level = ((a >> shift) & 255) * share_a + ((b >> shift) & 255) * share_b
        out |= ((level + (total >> 1)) // total) << shift
    return uint32(out)


@njit(nogil=True)
def over(plate, far, front, out):
    """out [3 W] = plate [3 W], under far [4 W], under front [4 W], all in bytes."""
    for x in range(uint32(plate.shape[0] // 3)):
        four, three = uint32(4) * x, uint32(3) * x
        for k in range(uint32(3)):
            level = blended(plate[three + k], far[four + k], far[four + THREE])
            out[three + k] = uint8(blended(level, front[four + k], front[four + THREE]))


@njit(nogil=True)
def cover_over(far, front, cover):
    """cover [W]: alpha of what was there, under far [4 W], under front [4 W], all in bytes."""
    for x in range(uint32(cover.shape[0])):
        alpha = uint32(4) * x + THREE
        cover[x] = uint8(blended(blended(cover[x], WHOLE, far[alpha]), WHOLE, front[alpha]))


@njit(nogil=True)
def blended(under, colour, share):
    """(under * (255 - share) + colour * share) / 255, rounded; all 0 to 255.

    Every step says that 16 bits hold it: so the processor does sixteen at a time. The division is exact for all sums there are.
    """
    share = uint16(share)
    total = uint16(uint16(uint16(under) * uint16(WHOLE - share)) + uint16(uint16(colour) * share))
    total = uint16(total + uint16(128))
    return uint16(uint16(total + uint16(total >> EIGHT_BITS)) >> EIGHT_BITS)


@kernel(
    void(
        given(uint8, 3), given(uint32, 2), given(uint8, 2), given(uint32, 2), given(uint32, 2), given(uint32, 2),
        given(int64, 2), scratch(uint32, 2), scratch(uint8, 1), scratch(uint8, 3), scratch(uint8, 2),
    ),
    error_model="numpy",
)  # fmt: skip
def compose(plate, head, glow, back, texture, backdrop, tint, colours, kind, out, cover):
    """out [H, W, 3] = plate, under the backdrop, under the head.

    head [2 H, W], back [H, W]: words of the rasteriser, two samples a pixel for the head and one for the backdrop;
    glow [2 H, W]: light of the head's samples. texture, backdrop [h, w]: packed BGRA. tint [256, 3]: colour of the light
    in the mouth by its brightness, 256 = 1. colours [4, W], kind [W]: scratch. W is a multiple of 8. cover [H, W]: alpha of
    what is on the plate so far, and of all of it afterwards; [0, W]: nobody asks.
    """
    skin, behind = texture.reshape(-1), backdrop.reshape(-1)
    stride, back_stride = int32(texture.shape[1]), int32(backdrop.shape[1])
    wide, tall = int32((texture.shape[1] - 2) * 32), int32((texture.shape[0] - 2) * 32)
    back_wide, back_tall = int32((backdrop.shape[1] - 2) * 32), int32((backdrop.shape[0] - 2) * 32)
    front, far, at, share = colours[0], colours[1], colours[2], colours[3]
    eights = kind.view(np.uint64)
    for y in range(uint32(out.shape[0])):
        upper, lower, under = head[2 * y], head[2 * y + 1], back[y]
        sort_head(upper, lower, kind)
        begin, end = extent(eights)
        find_texels(upper[begin:end], lower[begin:end], stride, wide, tall, at[begin:end], share[begin:end])
        front[:begin], front[end:] = uint32(0), uint32(0)
        for block in range(begin // EIGHT, end // EIGHT):
            first, whole = uint32(block * EIGHT), eights[block]
            if whole == ALL_SMOOTH:
                for x in range(first, uint32(first + EIGHT)):
                    front[x] = found(skin, stride, at[x], share[x])
            elif whole == ALL_EMPTY:
                for x in range(first, uint32(first + EIGHT)):
                    front[x] = uint32(0)
            else:
                for x in range(first, uint32(first + EIGHT)):
                    if kind[x] == SMOOTH:
                        front[x] = found(skin, stride, at[x], share[x])
                    elif kind[x] == EMPTY:
                        front[x] = uint32(0)
                    else:
                        a = lit(texel(skin, stride, wide, tall, upper[x], upper[x]), upper[x], glow[2 * y, x], tint)
                        b = lit(texel(skin, stride, wide, tall, lower[x], lower[x]), lower[x], glow[2 * y + 1, x], tint)
                        front[x] = mean_of_two(a, b)
        sort_back(under, front, kind)
        first_far, last_far = extent(eights)
        find_texels(under[first_far:last_far], under[first_far:last_far], back_stride, back_wide, back_tall,
                    at[first_far:last_far], share[first_far:last_far])  # fmt: skip
        far[:first_far], far[last_far:] = uint32(0), uint32(0)
        for block in range(first_far // EIGHT, last_far // EIGHT):
            first, whole = uint32(block * EIGHT), eights[block]
            if whole == ALL_SMOOTH:
                for x in range(first, uint32(first + EIGHT)):
                    far[x] = found(behind, back_stride, at[x], share[x])
            elif whole == ALL_EMPTY:
                for x in range(first, uint32(first + EIGHT)):
                    far[x] = uint32(0)
            else:
                for x in range(first, uint32(first + EIGHT)):
                    far[x] = found(behind, back_stride, at[x], share[x]) if kind[x] == SMOOTH else uint32(0)
        if first_far < last_far:  # beyond both the plate is seen
            begin, end = (min(begin, first_far), max(end, last_far)) if begin < end else (first_far, last_far)
        seen, row = plate[y].reshape(-1), out[y].reshape(-1)
        left, right = THREE * begin, THREE * end
        row[:left] = seen[:left]
        over(seen[left:right], far[begin:end].view(np.uint8), front[begin:end].view(np.uint8), row[left:right])
        row[right:] = seen[right:]
        if cover.shape[0]:
            cover_over(far.view(np.uint8), front.view(np.uint8), cover[y])

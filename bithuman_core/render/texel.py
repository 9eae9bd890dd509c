"""Words of the rasteriser and how a texture is read at their places (numba, one core).

Word of a sample (uint32): texture u in bits 0-14 and v in bits 15-29 (both in 1/16 px), part in bits 30-31.
"""

# pyright: reportCallIssue=false, reportArgumentType=false, reportReturnType=false, reportAttributeAccessIssue=false
# (numba types are called as casts here; intrinsics speak LLVM)
from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import int32, njit, types, uint32
from numba.extending import intrinsic

UV_STEPS = np.float32(16)  # of a texture px in a word
LARGEST = 2047  # px: sides of a texture whose places fit a word
NOTHING = np.uint32(0xFFFFFFFF)  # the word of a sample that sees nothing
SKIN, EYE, MOUTH, OTHER = 0, 1, 2, 3  # parts: what the mouth shows is lit by the lips' gap, all others are texture alone
PLACE, V_SHIFT, PART_SHIFT = np.uint32(0x7FFF), np.uint32(15), np.uint32(30)


@njit(nogil=True, forceinline=True)
def texel(texels, stride, wide, tall, a, b):
    """The texture at the mean place of two samples, packed BGRA: bilinear, with weights in whole 16ths.

    texels: the texture's px in one row, ``stride`` to a line; wide, tall: its size less 2, in 1/32 px (int32).
    """
    u = int32((a & PLACE) + (b & PLACE)) - int32(16)  # 1/32 px from the middle of the first texel
    v = int32(((a >> V_SHIFT) & PLACE) + ((b >> V_SHIFT) & PLACE)) - int32(16)
    u, v = min(max(int32(u), int32(0)), wide), min(max(int32(v), int32(0)), tall)
    at = uint32(int32(int32(v >> int32(5)) * stride) + int32(u >> int32(5)))
    fx, fy = uint32(u & int32(31)) >> uint32(1), uint32(v & int32(31)) >> uint32(1)
    return bilinear(texels, at, uint32(at + uint32(stride)), fx, fy)


@njit(nogil=True)
def find_texels(a, b, stride, wide, tall, at, share):
    """Where :func:`texel` reads for samples a, b [n]: at [n] the left texel of the upper line, share [n] the weights fx + 16 fy.

    For a whole row: without the reading the compiler does eight at a time. Samples that see nothing get some place.
    """
    for x in range(uint32(a.shape[0])):
        u = int32((a[x] & PLACE) + (b[x] & PLACE)) - int32(16)
        v = int32(((a[x] >> V_SHIFT) & PLACE) + ((b[x] >> V_SHIFT) & PLACE)) - int32(16)
        u, v = min(max(int32(u), int32(0)), wide), min(max(int32(v), int32(0)), tall)
        at[x] = uint32(int32(int32(v >> int32(5)) * stride) + int32(u >> int32(5)))
        share[x] = (uint32(u & int32(31)) >> uint32(1)) | ((uint32(v & int32(31)) >> uint32(1)) << uint32(4))


@njit(nogil=True, forceinline=True)
def found(texels, stride, at, share):
    """The texture at a place of :func:`find_texels`."""
    return bilinear(texels, at, uint32(at + uint32(stride)), share & uint32(15), share >> uint32(4))


@intrinsic
def bilinear(typing, texels, upper, lower, fx, fy):
    """The mean of two texels of the upper and two of the lower line (uint32 places of the left ones); fx, fy in 16ths.

    All four channels at once, in 16-bit lanes: twice as fast as what the compiler finds in scalar code.
    """
    byte, lane, word, long = (ir.IntType(bits) for bits in (8, 16, 32, 64))
    eight, four = ir.VectorType(lane, 8), ir.VectorType(lane, 4)

    def splat(builder, value, count):
        vector = ir.VectorType(lane, count)
        one = builder.insert_element(ir.Constant(vector, ir.Undefined), builder.trunc(value, lane), ir.Constant(word, 0))
        return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(word, count), [0] * count))

    def generate(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        sixteen, (_, above, below, x, y) = ir.Constant(word, 16), args

        def two_texels(place):
            at = builder.gep(data, [builder.zext(place, long)])
            pair = builder.load(builder.bitcast(at, ir.VectorType(byte, 8).as_pointer()))
            pair.align = 4
            return builder.zext(pair, eight)

        upper_share = builder.mul(two_texels(above), splat(builder, builder.sub(sixteen, y), 8))
        both = builder.add(upper_share, builder.mul(two_texels(below), splat(builder, y, 8)))
        halves = [ir.Constant(ir.VectorType(word, 4), [first + k for k in range(4)]) for first in (0, 4)]
        left, right = (builder.shuffle_vector(both, both, half) for half in halves)
        left = builder.mul(left, splat(builder, builder.sub(sixteen, x), 4))
        mean = builder.lshr(builder.add(left, builder.mul(right, splat(builder, x, 4))), ir.Constant(four, [8] * 4))
        return builder.bitcast(builder.trunc(mean, ir.VectorType(byte, 4)), word)

    return types.uint32(texels, types.uint32, types.uint32, types.uint32, types.uint32), generate

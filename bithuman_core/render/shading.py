"""From visibility to pixels: texture, light and anti-aliasing of the head, over the backdrop and the plate (numba, one core).

Textures are packed, one uint32 BGRA a texel (blue lowest). Bilinear weights are whole 256ths, so that two channels are
blended in one 32-bit word, 16 bits each.
"""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

from numba import int32, int64, njit, uint8, uint32, uint64, void

from bithuman_core.render.residual import BIAS
from bithuman_core.render.signature import given, scratch

SKIN, MOUTH = 0, 2  # parts: skin takes the residual, the mouth its light; all others are texture alone
ONE_SURFACE = 256  # 1/32 px: samples of a pixel whose texture places are closer lie on one smooth surface


@njit(
    void(
        given(uint8, 3), given(uint64, 2), given(uint64, 2), given(uint32, 2), given(uint64, 2), given(uint32, 2),
        given(int64, 2), scratch(uint8, 3),
    ),
    nogil=True, cache=True, error_model="numpy",
)  # fmt: skip
def compose(plate, head, back, texture, residual, backdrop, tint, out):
    """out [H, W, 3] = plate, under the backdrop, under the head.

    head [2 H, W], back [H, W]: words of the rasteriser, two samples a pixel for the head and one for the backdrop.
    texture, backdrop [h, w]: packed BGRA. residual [h, h]: what the shapes add to the texture at half its size, packed.
    tint [256, 3]: colour of the light in the mouth by its brightness, 256 = 1.

    All in one function on purpose: arrays handed to helpers inside the loop cost a reference count each.
    """
    # Texture places are in 1/128 px from here on; the last texel is left out so that its neighbour exists.
    tall, wide = (texture.shape[0] - 2) * 128, (texture.shape[1] - 2) * 128
    back_tall, back_wide = (backdrop.shape[0] - 2) * 128, (backdrop.shape[1] - 2) * 128
    last = (residual.shape[0] - 2) * 128
    stride, back_stride, side = texture.shape[1], backdrop.shape[1], residual.shape[1]
    texels, back_texels, extra = texture.reshape(-1), backdrop.reshape(-1), residual.reshape(-1)
    wide64, tall64, stride32 = int32(wide >> 1), int32(tall >> 1), int32(stride)
    last128, side32, zero_level = int32(last), int32(side), int32(BIAS * 64 - 64)
    low, eight, place = uint32(0x00FF00FF), uint32(8), uint64(0xFFFF)
    for y in range(out.shape[0]):
        upper, lower, behind, under, row = head[2 * y], head[2 * y + 1], back[y], plate[y], out[y]
        row[:] = under
        for x in range(uint32(out.shape[1])):
            a, b = upper[x], lower[x]
            if a | b | behind[x] == 0:
                continue
            # The usual pixel: both samples on one smooth surface of opaque skin. Shaded once, at the mean place; what comes
            # after it is the general case of the same.
            if (a & b) >> uint64(63) and (a | b) & uint64(0xFF << 40) == 0:
                du = abs(int32(a & place) - int32(b & place))
                dv = abs(int32((a >> uint64(20)) & place) - int32((b >> uint64(20)) & place))
                if du + dv < ONE_SURFACE:
                    mean = (a & uint64(0xFFFFFFFFF)) + (b & uint64(0xFFFFFFFFF))
                    su, sv = int32(mean & uint64(0x1FFFF)), int32((mean >> uint64(20)) & uint64(0x1FFFF))  # 1/64 px
                    tu = min(max(su - int32(32), int32(0)), wide64)
                    tv = min(max(sv - int32(32), int32(0)), tall64)
                    at = uint32((tv >> int32(6)) * stride32 + (tu >> int32(6)))
                    fx, fy = uint32((tu & int32(63)) >> int32(2)), uint32((tv & int32(63)) >> int32(2))
                    w11 = uint32(fx * fy)
                    w10, w01 = uint32(fy * uint32(16) - w11), uint32(fx * uint32(16) - w11)
                    w00 = uint32(uint32(256) - w11 - w10 - w01)
                    p00, p01 = texels[at], texels[at + uint32(1)]
                    p10, p11 = texels[at + uint32(stride32)], texels[at + uint32(stride32) + uint32(1)]
                    br = uint32((p00 & low) * w00 + (p01 & low) * w01 + (p10 & low) * w10 + (p11 & low) * w11)
                    ga = uint32(
                        ((p00 >> eight) & low) * w00 + ((p01 >> eight) & low) * w01
                        + ((p10 >> eight) & low) * w10 + ((p11 >> eight) & low) * w11
                    )  # fmt: skip
                    if ga >> uint32(24) == uint32(255):
                        ru = min(max(su - int32(64), int32(0)), last128)
                        rv = min(max(sv - int32(64), int32(0)), last128)
                        at = uint32((rv >> int32(7)) * side32 + (ru >> int32(7)))
                        gx, gy = uint64((ru & int32(127)) >> int32(4)), uint64((rv & int32(127)) >> int32(4))
                        g11 = gx * gy
                        g10, g01 = gy * uint64(8) - g11, gx * uint64(8) - g11
                        sums = extra[at] * (uint64(64) - g11 - g10 - g01) + extra[at + uint32(1)] * g01
                        sums += extra[at + uint32(side32)] * g10 + extra[at + uint32(side32) + uint32(1)] * g11
                        level = int32(br & uint32(0xFFFF)) >> int32(8)
                        level += (int32(sums & place) - zero_level) >> int32(7)
                        row[x, 0] = uint8(min(max(level, int32(0)), int32(255)))
                        level = int32((ga >> eight) & uint32(255))
                        level += (int32((sums >> uint64(16)) & place) - zero_level) >> int32(7)
                        row[x, 1] = uint8(min(max(level, int32(0)), int32(255)))
                        level = int32(br >> uint32(24))
                        level += (int32((sums >> uint64(32)) & place) - zero_level) >> int32(7)
                        row[x, 2] = uint8(min(max(level, int32(0)), int32(255)))
                        continue
            head_blue = head_green = head_red = head_alpha = 0  # colour times alpha, alpha: 0..255 * 2
            samples = 0
            if a | b:
                samples = 2
                if (a & b) >> uint64(63) and (a ^ b) & uint64(0xFF << 40) == 0:
                    du = abs(int64(a & place) - int64(b & place))
                    dv = abs(int64((a >> uint64(20)) & place) - int64((b >> uint64(20)) & place))
                    if du + dv < ONE_SURFACE:
                        samples = 1  # at the mean place
            for k in range(samples):
                if samples == 1:
                    word = a
                    mean = (a & uint64(0xFFFFFFFFF)) + (b & uint64(0xFFFFFFFFF))
                    u, v, share = int64(mean & uint64(0xFFFFF)) * 2, int64(mean >> uint64(20)) * 2, 2
                else:
                    word = a if k == 0 else b
                    u, v, share = int64(word & place) * 4, int64((word >> uint64(20)) & place) * 4, 1
                    if word == 0:
                        continue
                part = (word >> uint64(40)) & uint64(255)
                tu, tv = min(max(u - 64, 0), wide), min(max(v - 64, 0), tall)
                at = uint32((tv >> 7) * stride + (tu >> 7))
                below = uint32(at + uint32(stride))
                fx, fy = uint32((tu & 127) >> 3), uint32((tv & 127) >> 3)
                w11 = uint32(fx * fy)
                w10, w01 = uint32(fy * uint32(16) - w11), uint32(fx * uint32(16) - w11)
                w00 = uint32(uint32(256) - w11 - w10 - w01)
                p00, p01, p10, p11 = texels[at], texels[at + uint32(1)], texels[below], texels[below + uint32(1)]
                br = uint32((p00 & low) * w00 + (p01 & low) * w01 + (p10 & low) * w10 + (p11 & low) * w11)
                ga = uint32(
                    ((p00 >> eight) & low) * w00 + ((p01 >> eight) & low) * w01
                    + ((p10 >> eight) & low) * w10 + ((p11 >> eight) & low) * w11
                )  # fmt: skip
                blue, green = int64((br >> eight) & uint32(255)), int64((ga >> eight) & uint32(255))
                red, alpha = int64(br >> uint32(24)), int64(ga >> uint32(24))
                if part == SKIN:
                    ru, rv = min(max((u >> 1) - 64, 0), last), min(max((v >> 1) - 64, 0), last)
                    at = uint32((rv >> 7) * side + (ru >> 7))
                    below = uint32(at + uint32(side))
                    gx, gy = uint64((ru & 127) >> 4), uint64((rv & 127) >> 4)
                    g11 = gx * gy
                    g10, g01 = gy * uint64(8) - g11, gx * uint64(8) - g11
                    sums = extra[at] * (uint64(64) - g11 - g10 - g01) + extra[at + uint32(1)] * g01
                    sums += extra[below] * g10 + extra[below + uint32(1)] * g11
                    blue = min(max(blue + ((int64(sums & place) - (BIAS * 64 - 64)) >> 7), 0), 255)
                    green = min(max(green + ((int64((sums >> uint64(16)) & place) - (BIAS * 64 - 64)) >> 7), 0), 255)
                    red = min(max(red + ((int64((sums >> uint64(32)) & place) - (BIAS * 64 - 64)) >> 7), 0), 255)
                elif part == MOUTH:
                    light = (word >> uint64(48)) & uint64(255)
                    blue, green, red = (blue * tint[light, 0]) >> 8, (green * tint[light, 1]) >> 8, (red * tint[light, 2]) >> 8
                alpha *= share
                head_alpha += alpha
                head_blue += blue * alpha
                head_green += green * alpha
                head_red += red * alpha
            if head_alpha >= 508:  # nothing shines through
                row[x, 0] = uint8((head_blue * 257 + 65536) >> 17)  # / 510
                row[x, 1] = uint8((head_green * 257 + 65536) >> 17)
                row[x, 2] = uint8((head_red * 257 + 65536) >> 17)
                continue
            blue, green, red = int64(under[x, 0]), int64(under[x, 1]), int64(under[x, 2])
            word = behind[x]
            if word != 0:
                tu = min(max(int64(word & place) * 4 - 64, 0), back_wide)
                tv = min(max(int64((word >> uint64(20)) & place) * 4 - 64, 0), back_tall)
                at = uint32((tv >> 7) * back_stride + (tu >> 7))
                below = uint32(at + uint32(back_stride))
                fx, fy = uint32((tu & 127) >> 3), uint32((tv & 127) >> 3)
                w11 = uint32(fx * fy)
                w10, w01 = uint32(fy * uint32(16) - w11), uint32(fx * uint32(16) - w11)
                w00 = uint32(uint32(256) - w11 - w10 - w01)
                p00, p01 = back_texels[at], back_texels[at + uint32(1)]
                p10, p11 = back_texels[below], back_texels[below + uint32(1)]
                br = uint32((p00 & low) * w00 + (p01 & low) * w01 + (p10 & low) * w10 + (p11 & low) * w11)
                ga = uint32(
                    ((p00 >> eight) & low) * w00 + ((p01 >> eight) & low) * w01
                    + ((p10 >> eight) & low) * w10 + ((p11 >> eight) & low) * w11
                )  # fmt: skip
                alpha = int64(ga >> uint32(24))
                alpha += alpha >> 7  # 0..256
                blue += ((int64((br >> eight) & uint32(255)) - blue) * alpha) >> 8
                green += ((int64((ga >> eight) & uint32(255)) - green) * alpha) >> 8
                red += ((int64(br >> uint32(24)) - red) * alpha) >> 8
            if head_alpha > 0:
                keep = 510 - head_alpha
                blue = ((head_blue + blue * keep) * 257 + 65536) >> 17  # / 510
                green = ((head_green + green * keep) * 257 + 65536) >> 17
                red = ((head_red + red * keep) * 257 + 65536) >> 17
            row[x, 0], row[x, 1], row[x, 2] = uint8(blue), uint8(green), uint8(red)

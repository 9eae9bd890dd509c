"""From visibility to pixels: texture, light and anti-aliasing of the head, over the backdrop and the plate (numba, one core).

Textures are packed, one uint32 BGRA a texel (blue lowest). Bilinear weights are whole 256ths, so that two channels are
blended in one 32-bit word, 16 bits each.
"""

from __future__ import annotations

from numba import float32, int32, njit, uint8, uint16, uint32, uint64, void

from bithuman_core.render.residual import BIAS
from bithuman_core.render.signature import given, scratch

EYE, MOUTH = 1, 2  # parts with a texture or a light of their own; 0 is skin


@njit(nogil=True, cache=True, inline="always")
def _texel(texture, u, v):
    """Bilinear sample at u, v in 1/128 px: (blue and red, green and alpha), each 0..255 in the upper byte of 16 bits."""
    u = min(max(u - int32(64), int32(0)), int32((texture.shape[1] - 2) * 128))
    v = min(max(v - int32(64), int32(0)), int32((texture.shape[0] - 2) * 128))
    x, y = u >> 7, v >> 7
    fx, fy = uint32((u & 127) >> 3), uint32((v & 127) >> 3)
    w11 = fx * fy
    w10, w01 = fy * uint32(16) - w11, fx * uint32(16) - w11
    w00 = uint32(256) - w11 - w10 - w01
    p00, p01, p10, p11 = texture[y, x], texture[y, x + 1], texture[y + 1, x], texture[y + 1, x + 1]
    low = uint32(0x00FF00FF)
    br = (p00 & low) * w00 + (p01 & low) * w01 + (p10 & low) * w10 + (p11 & low) * w11
    ga = (
        ((p00 >> uint32(8)) & low) * w00 + ((p01 >> uint32(8)) & low) * w01
        + ((p10 >> uint32(8)) & low) * w10 + ((p11 >> uint32(8)) & low) * w11
    )  # fmt: skip
    return uint32(br), uint32(ga)


@njit(nogil=True, cache=True, inline="always")
def _shade(texture, eyes, residual, tint, u, v, part, light):
    """Blue, green, red, alpha (0..255) of the head at texture place u, v (1/128 px)."""
    if part == 1:
        br, ga = _texel(eyes, u, v)
    else:
        br, ga = _texel(texture, u, v)
    blue, green = int32((br >> uint32(8)) & uint32(255)), int32((ga >> uint32(8)) & uint32(255))
    red, alpha = int32(br >> uint32(24)), int32(ga >> uint32(24))
    if part == 2:
        blue, green, red = (blue * tint[light, 0]) >> 8, (green * tint[light, 1]) >> 8, (red * tint[light, 2]) >> 8
    elif part == 0:
        x, y = (u >> 1) - int32(64), (v >> 1) - int32(64)
        x = min(max(x, int32(0)), int32((residual.shape[1] - 2) * 128))
        y = min(max(y, int32(0)), int32((residual.shape[0] - 2) * 128))
        fx, fy = uint64((x & 127) >> 4), uint64((y & 127) >> 4)
        ix, iy = x >> 7, y >> 7
        w11 = fx * fy
        w10, w01 = fy * uint64(8) - w11, fx * uint64(8) - w11
        w00 = uint64(64) - w11 - w10 - w01
        sums = (
            residual[iy, ix] * w00 + residual[iy, ix + 1] * w01 + residual[iy + 1, ix] * w10 + residual[iy + 1, ix + 1] * w11
        )
        offset = int32(BIAS * 64 - 64)
        blue += (int32(sums & uint64(0xFFFF)) - offset) >> 7
        green += (int32((sums >> uint64(16)) & uint64(0xFFFF)) - offset) >> 7
        red += (int32((sums >> uint64(32)) & uint64(0xFFFF)) - offset) >> 7
        blue = min(max(blue, int32(0)), int32(255))
        green = min(max(green, int32(0)), int32(255))
        red = min(max(red, int32(0)), int32(255))
    return blue, green, red, alpha


@njit(
    void(
        given(uint8, 3), given(float32, 2), given(uint16, 3), given(uint8, 3), given(float32, 2), given(uint16, 3),
        given(uint32, 2), given(uint64, 2), given(uint32, 2), given(uint32, 2), given(uint8, 2), scratch(uint8, 3),
    ),
    nogil=True, cache=True,
)  # fmt: skip
def compose(plate, depth, uv, mark, back_depth, back_uv, texture, residual, eyes, backdrop, tint, out):
    """out [H, W, 3] = plate, under the backdrop, under the head.

    depth, uv, mark: visibility of the head at 2 x 2 samples a pixel; back_*: of the backdrop at one sample a pixel.
    tint [256, 3]: colour of the light in the mouth by its brightness.
    residual [h, w]: what the shapes add to the texture at half its size, packed (see BIAS).
    """
    far = float32(1e8)
    near = int32(256)  # samples whose texture places are closer than this (1/32 px) lie on one smooth surface
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            y0, x0 = 2 * y, 2 * x
            c00, c01 = depth[y0, x0] < far, depth[y0, x0 + 1] < far
            c10, c11 = depth[y0 + 1, x0] < far, depth[y0 + 1, x0 + 1] < far
            covered = int32(c00) + int32(c01) + int32(c10) + int32(c11)
            head_blue = head_green = head_red = head_alpha = int32(0)  # colour times alpha, alpha: 0..255 * 4
            if covered == 4:
                ua, ub, uc, ud = int32(uv[y0, x0, 0]), int32(uv[y0, x0 + 1, 0]), int32(uv[y0 + 1, x0, 0]), int32(uv[y0 + 1, x0 + 1, 0])
                va, vb, vc, vd = int32(uv[y0, x0, 1]), int32(uv[y0, x0 + 1, 1]), int32(uv[y0 + 1, x0, 1]), int32(uv[y0 + 1, x0 + 1, 1])
                part = mark[y0, x0, 0]
                same = part == mark[y0, x0 + 1, 0] and part == mark[y0 + 1, x0, 0] and part == mark[y0 + 1, x0 + 1, 0]
                wide = max(max(ua, ub), max(uc, ud)) - min(min(ua, ub), min(uc, ud))
                tall = max(max(va, vb), max(vc, vd)) - min(min(va, vb), min(vc, vd))
                if same and wide < near and tall < near:
                    light = int32(mark[y0, x0, 1])
                    blue, green, red, alpha = _shade(
                        texture, eyes, residual, tint, ua + ub + uc + ud, va + vb + vc + vd, part, light
                    )
                    if alpha >= 254:
                        out[y, x, 0], out[y, x, 1], out[y, x, 2] = uint8(blue), uint8(green), uint8(red)
                        continue
                    head_alpha = alpha * 4
                    head_blue, head_green, head_red = blue * head_alpha, green * head_alpha, red * head_alpha
                    covered = int32(0)
            if covered > 0:  # an edge: every sample for itself
                for k in range(4):
                    j, i = y0 + (k >> 1), x0 + (k & 1)
                    if depth[j, i] < far:
                        blue, green, red, alpha = _shade(
                            texture, eyes, residual, tint, int32(uv[j, i, 0]) * 4, int32(uv[j, i, 1]) * 4, mark[j, i, 0],
                            int32(mark[j, i, 1]),
                        )  # fmt: skip
                        head_alpha += alpha
                        head_blue += blue * alpha
                        head_green += green * alpha
                        head_red += red * alpha
            blue, green, red = int32(plate[y, x, 0]), int32(plate[y, x, 1]), int32(plate[y, x, 2])
            if back_depth[y, x] < far:
                br, ga = _texel(backdrop, int32(back_uv[y, x, 0]) * 4, int32(back_uv[y, x, 1]) * 4)
                alpha = int32(ga >> uint32(24))
                if alpha > 0:
                    alpha += alpha >> 7  # 0..256
                    blue += ((int32((br >> uint32(8)) & uint32(255)) - blue) * alpha) >> 8
                    green += ((int32((ga >> uint32(8)) & uint32(255)) - green) * alpha) >> 8
                    red += ((int32(br >> uint32(24)) - red) * alpha) >> 8
            if head_alpha > 0:
                keep = int32(1020) - head_alpha
                blue = ((head_blue + blue * keep) * 257) >> 18  # / 1020
                green = ((head_green + green * keep) * 257) >> 18
                red = ((head_red + red * keep) * 257) >> 18
            out[y, x, 0] = uint8(blue)
            out[y, x, 1] = uint8(green)
            out[y, x, 2] = uint8(red)

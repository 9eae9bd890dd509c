"""Rasterising triangles into a visibility buffer: nearest depth and texture position of every sample (numba, one core)."""

from __future__ import annotations

import numpy as np
from numba import float32, int32, njit, uint8, uint16, void

from bithuman_core.render.signature import given, scratch

UV_STEP = 1 / 32  # texture positions are stored as uint16 in 1/32 px
FAR = np.float32(1e9)


@njit(
    void(
        scratch(float32, 2), int32, int32, int32, int32,
    ),
    nogil=True, cache=True,
)  # fmt: skip
def clear_depth(depth, x0, y0, x1, y1):
    """Empty the samples of a box."""
    for y in range(y0, y1):
        for x in range(x0, x1):
            depth[y, x] = 1e9


@njit(
    void(
        given(float32, 2), given(float32, 2), given(uint16, 2), given(uint8, 1), given(float32, 1),
        scratch(float32, 2), scratch(uint16, 3), scratch(uint8, 3),
    ),
    nogil=True, cache=True, fastmath=True,
)  # fmt: skip
def rasterise(points, uv, triangles, part, light, depth, out_uv, out_mark):
    """Draw front-facing triangles with a depth test.

    points [V, 3]: x, y in samples, z; uv [V, 2] in texture px; part [T]; light [V] 0..1 brightness.
    depth [H, W]; out_uv [H, W, 2] in 1/32 px; out_mark [H, W, 2] = part, light * 255.
    """
    # The arithmetic stays in float32: an int32 beside a float32 would make it float64.
    half, zero, one, slack = np.float32(0.5), np.float32(0), np.float32(1), np.float32(1e-4)
    step, full = np.float32(32), np.float32(255)
    bottom, right = np.float32(depth.shape[0] - 1), np.float32(depth.shape[1] - 1)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay = points[a, 0] - half, points[a, 1] - half  # sample centres are whole numbers from here on
        bx, by = points[b, 0] - half - ax, points[b, 1] - half - ay
        cx, cy = points[c, 0] - half - ax, points[c, 1] - half - ay
        area = bx * cy - by * cx
        if area <= slack:  # seen from behind, or a line
            continue
        top = np.int32(max(np.ceil(ay + min(zero, by, cy)), zero))
        low = np.int32(min(np.floor(ay + max(zero, by, cy)), bottom))
        left = max(np.ceil(ax + min(zero, bx, cx)), zero)
        far = min(np.floor(ax + max(zero, bx, cx)), right)
        if low < top or far < left:
            continue
        inverse = one / area
        # Weights of b, c and a are linear in x and y; shared edges are drawn twice rather than left open.
        bdx, bdy = cy * inverse, -cx * inverse
        cdx, cdy = -by * inverse, bx * inverse
        adx, ady = -bdx - cdx, -bdy - cdy
        rb = one / bdx if abs(bdx) > np.float32(1e-9) else zero
        rc = one / cdx if abs(cdx) > np.float32(1e-9) else zero
        ra = one / adx if abs(adx) > np.float32(1e-9) else zero
        za, zb, zc = points[a, 2], points[b, 2] - points[a, 2], points[c, 2] - points[a, 2]
        ua, ub, uc = uv[a, 0] * step, (uv[b, 0] - uv[a, 0]) * step, (uv[c, 0] - uv[a, 0]) * step
        va, vb, vc = uv[a, 1] * step, (uv[b, 1] - uv[a, 1]) * step, (uv[c, 1] - uv[a, 1]) * step
        la, lb, lc = light[a] * full, (light[b] - light[a]) * full, (light[c] - light[a]) * full
        zx, ux, vx, lx = zb * bdx + zc * cdx, ub * bdx + uc * cdx, vb * bdx + vc * cdx, lb * bdx + lc * cdx
        which = part[t]
        for y in range(top, low + 1):
            dy = np.float32(y) - ay
            wb, wc = dy * bdy, dy * cdy  # at x = ax
            wa = one + dy * ady
            begin, end = left, far
            if rb > zero:
                begin = max(begin, np.ceil(ax - (wb + slack) * rb))
            elif rb < zero:
                end = min(end, np.floor(ax - (wb + slack) * rb))
            elif wb < -slack:
                continue
            if rc > zero:
                begin = max(begin, np.ceil(ax - (wc + slack) * rc))
            elif rc < zero:
                end = min(end, np.floor(ax - (wc + slack) * rc))
            elif wc < -slack:
                continue
            if ra > zero:
                begin = max(begin, np.ceil(ax - (wa + slack) * ra))
            elif ra < zero:
                end = min(end, np.floor(ax - (wa + slack) * ra))
            elif wa < -slack:
                continue
            if end < begin:
                continue
            dx = begin - ax
            z = za + wb * zb + wc * zc + dx * zx
            u = ua + wb * ub + wc * uc + dx * ux
            v = va + wb * vb + wc * vc + dx * vx
            lit = la + wb * lb + wc * lc + dx * lx
            for x in range(np.int32(begin), np.int32(end) + 1):
                if z < depth[y, x]:
                    depth[y, x] = z
                    out_uv[y, x, 0] = np.uint16(np.int32(max(u, zero)))
                    out_uv[y, x, 1] = np.uint16(np.int32(max(v, zero)))
                    out_mark[y, x, 0] = which
                    out_mark[y, x, 1] = np.uint8(np.int32(lit))
                z += zx
                u += ux
                v += vx
                lit += lx

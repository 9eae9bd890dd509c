"""Rasterising triangles into a visibility buffer: what every sample sees, as one packed word (see texel.py; numba, one core).

The head has two samples a pixel, staggered: a row of samples is half a pixel high, its samples sit a quarter of a pixel
left of the pixels' middles in even rows and right of them in odd ones. Steep and flat edges get three steps that way, as
with a 2 x 2 grid, for half the work.
"""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

import numpy as np
from numba import float32, int32, njit, uint8, uint16, uint32, void

from bithuman_core.render.kernel import CAREFUL, kernel
from bithuman_core.render.lanes import draw_lanes
from bithuman_core.render.signature import given, scratch
from bithuman_core.render.texel import MOUTH, NOTHING, PART_SHIFT, V_SHIFT

FAR = 1e9  # depth of an empty sample
FLAT = np.float32(1e-9)  # weights that change less along a row count as changing that much


@njit(nogil=True)
def steep(slope):
    """A slope that can be divided by."""
    return slope if abs(slope) > FLAT else np.float32(FLAT)


@kernel(
    void(
        given(float32, 2), given(float32, 2), given(uint16, 2), given(uint8, 1), given(float32, 1), given(uint32, 1),
        scratch(float32, 1), scratch(uint32, 1), scratch(uint8, 2), int32, float32,
    ),
    fastmath=CAREFUL, error_model="numpy",
)  # fmt: skip
def rasterise(points, uv, triangles, part, light, chosen, depth, words, glow, first_row, stagger):
    """Draw front-facing triangles with a depth test into one band of rows.

    points [V, 3]: x, y in samples, z; stagger: how far the samples of even rows sit left of their middle (odd: right);
    uv [V, 2] in 1/16 texture px; part [T] 0..3; light [V] brightness 0..255; chosen: the triangles to draw, as numbers.
    words [rows * width + LANES]: the samples of rows first_row, first_row + 1, ...; depth [rows * width + LANES]: theirs. Both
    are cleared before; glow [rows, width]: light of the samples of the mouth.
    """
    # uv is never below 0; what the slack below adds is far less than the 1 that truncation forgives.
    # The arithmetic stays in float32: an int32 beside a float32 would make it float64.
    half, zero, one, slack = np.float32(0.5), np.float32(0), np.float32(1), np.float32(1e-4)
    rows, width = glow.shape
    lights = glow.reshape(-1)
    words[:] = NOTHING
    depth[:] = np.float32(FAR)
    ceiling, bottom, right = np.float32(first_row), np.float32(first_row + rows - 1), np.float32(width - 1)
    last_row, last_column = np.int32(first_row + rows - 1), np.int32(width - 1)
    spans, values = np.empty((2, rows + 7), np.uint32), np.empty((4, rows + 7), np.float32)  # of the rows of one triangle
    columns, counts, z, u, v, level = spans[0], spans[1], values[0], values[1], values[2], values[3]
    for i in range(uint32(chosen.shape[0])):
        t = chosen[i]
        a, b, c = uint32(triangles[t, 0]), uint32(triangles[t, 1]), uint32(triangles[t, 2])
        ax, ay = points[a, 0] - half, points[a, 1] - half  # sample centres are whole numbers from here on
        bx, by = points[b, 0] - half - ax, points[b, 1] - half - ay
        cx, cy = points[c, 0] - half - ax, points[c, 1] - half - ay
        area = bx * cy - by * cx
        if not area > slack:  # seen from behind, a line, or beyond all numbers
            continue
        # Clipped before the cast, which has no answer beyond 2^31, and after it as whole numbers: NaN casts to anything.
        top = max(np.int32(min(max(np.ceil(ay + min(zero, by, cy)), ceiling), bottom + one)), np.int32(first_row))
        low = min(np.int32(max(min(np.floor(ay + max(zero, by, cy)), bottom), ceiling - one)), last_row)
        left = max(np.ceil(ax - stagger + min(zero, bx, cx)), zero)
        far = min(np.floor(ax + stagger + max(zero, bx, cx)), right)
        if low < top or not left <= far:
            continue
        inverse = one / area
        # Weights of b, c and a are linear in x and y; shared edges are drawn twice rather than left open.
        bdx, bdy = cy * inverse, -cx * inverse
        cdx, cdy = -by * inverse, bx * inverse
        adx, ady = -bdx - cdx, -bdy - cdy
        # Where a row crosses each edge: from the left where the weight grows with x, else from the right.
        rb, rc, ra = one / steep(bdx), one / steep(cdx), one / steep(adx)
        za, zb, zc = points[a, 2], points[b, 2] - points[a, 2], points[c, 2] - points[a, 2]
        ua, ub, uc = uv[a, 0], uv[b, 0] - uv[a, 0], uv[c, 0] - uv[a, 0]
        va, vb, vc = uv[a, 1], uv[b, 1] - uv[a, 1], uv[c, 1] - uv[a, 1]
        zx, ux, vx = zb * bdx + zc * cdx, ub * bdx + uc * cdx, vb * bdx + vc * cdx
        tag = uint32(part[t]) << PART_SHIFT
        la, lb, lc = light[a], light[b] - light[a], light[c] - light[a]
        lx = lb * bdx + lc * cdx
        lit = part[t] == MOUTH  # few triangles have a light of their own
        # Where each row begins, how many samples it has, and what lies at the first. Whole eights of rows, some beyond the last:
        # so many the processor does at a time.
        count = uint32(low - top + 1)
        for k in range(uint32(uint32(count + uint32(7)) & uint32(0xFFFFFFF8))):
            y = int32(top + int32(k))
            dy = np.float32(y) - ay
            origin = ax - stagger if y & int32(1) else ax + stagger
            wb, wc = dy * bdy, dy * cdy  # at x = origin
            wa = one + dy * ady
            xb, xc, xa = origin - (wb + slack) * rb, origin - (wc + slack) * rc, origin - (wa + slack) * ra
            begin = max(left, xb if rb > zero else left, xc if rc > zero else left, xa if ra > zero else left)
            end = min(far, xb if rb < zero else far, xc if rc < zero else far, xa if ra < zero else far)
            begin, end = np.ceil(begin), np.floor(end)
            dx = begin - origin
            z[k] = za + wb * zb + wc * zc + dx * zx
            u[k] = ua + wb * ub + wc * uc + dx * ux
            v[k] = va + wb * vb + wc * vc + dx * vx
            level[k] = la + wb * lb + wc * lc + dx * lx
            column, last = min(max(int32(begin), int32(0)), last_column), min(max(int32(end), int32(0)), last_column)
            columns[k] = uint32(column)
            counts[k] = uint32(last - column + int32(1)) if begin <= end else uint32(0)
        for k in range(count):
            if counts[k] == 0:
                continue
            first = uint32(uint32(top - first_row) + k) * uint32(width) + columns[k]
            if lit:
                zk, uk, vk, lk = z[k], u[k], v[k], level[k]
                for at in range(first, uint32(first + counts[k])):
                    if zk < depth[at]:
                        depth[at] = zk
                        words[at] = tag | uint32(int32(uk)) | uint32(uint32(int32(vk)) << V_SHIFT)
                        lights[at] = uint8(int32(min(max(lk, zero), np.float32(255))))
                    zk += zx
                    uk += ux
                    vk += vx
                    lk += lx
            else:
                draw_lanes(depth, words, first, counts[k], z[k], u[k], v[k], zx, ux, vx, tag)


@kernel(
    void(given(float32, 2), given(uint16, 2), int32, int32, float32, scratch(uint8, 2), scratch(uint32, 1), scratch(uint32, 1)),
    fastmath=CAREFUL, error_model="numpy",
)  # fmt: skip
def sort_into_bands(points, triangles, rows, width, stagger, span, order, start):
    """Which front-facing triangles touch which band of ``rows`` sample rows.

    points [V, 3]: x, y in samples. start [bands + 1]: band b has the triangles order[start[b] : start[b + 1]], in their own
    order; order needs room for every triangle in every band. span [T, 2] is scratch: first and last band, reversed for none.
    """
    bands = start.shape[0] - 1
    half, zero, slack = np.float32(0.5), np.float32(0), np.float32(1e-4)
    right, share, last = np.float32(width - 1), np.float32(1) / np.float32(rows), np.float32(bands - 1)
    most = int32(bands - 1)
    start[:] = uint32(0)
    for t in range(uint32(triangles.shape[0])):
        a, b, c = uint32(triangles[t, 0]), uint32(triangles[t, 1]), uint32(triangles[t, 2])
        ax, ay = points[a, 0] - half, points[a, 1] - half
        bx, by = points[b, 0] - half - ax, points[b, 1] - half - ay
        cx, cy = points[c, 0] - half - ax, points[c, 1] - half - ay
        span[t, 0], span[t, 1] = uint8(1), uint8(0)
        if not bx * cy - by * cx > slack:
            continue
        if ax + max(zero, bx, cx) + stagger < zero or ax + min(zero, bx, cx) - stagger > right:
            continue
        top, low = np.ceil(ay + min(zero, by, cy)), np.floor(ay + max(zero, by, cy))
        if not (top <= low and low >= zero and top * share < last + np.float32(1)):
            continue
        begin = uint32(min(max(int32(max(top, zero) * share), int32(0)), most))
        end = uint32(min(max(int32(min(low * share, last)), int32(0)), most))
        span[t, 0], span[t, 1] = uint8(begin), uint8(end)
        for band in range(begin, end + uint32(1)):
            start[band] += uint32(1)
    total = uint32(0)
    for band in range(bands + 1):
        count = start[band]
        start[band] = total
        total += count
    for t in range(uint32(triangles.shape[0])):
        for band in range(uint32(span[t, 0]), uint32(span[t, 1]) + uint32(1)):
            order[start[band]] = t
            start[band] += uint32(1)
    for band in range(bands, 0, -1):  # each start has moved on to the next one's
        start[band] = start[band - 1]
    start[0] = uint32(0)

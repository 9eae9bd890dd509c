"""The colours of a person at soft edges, without what shines through: foreground estimation on many scales (numba, one core).

Germer, Uelwer, Conrad, Harmeling, "Fast multi-level foreground estimation" (2020): each px of a picture is
alpha F + (1 - alpha) B, and F and B are smooth where alpha is not. Solved from one px a side up to the whole picture, each level
beginning with the last.
"""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

import numpy as np
from numba import float32, int64, void
from numpy.typing import NDArray

from bithuman_core.render.kernel import kernel
from bithuman_core.render.signature import given, scratch

Floats = NDArray[np.float32]
STIFFNESS = np.float32(1e-5)  # weight of a neighbour where alpha is even
AT_EDGES = np.float32(1.0)  # what it grows by, times the difference in alpha
SMALL, MANY, FEW = 32, 10, 2  # px a side up to which a level gets many sweeps; how many; the others


def foreground(picture: Floats, alpha: Floats) -> Floats:
    """The person's own colours [h, w, 3] of a picture [h, w, 3] with a matte [h, w], all 0..1.

    Where alpha is 0 they go on smoothly from what is near.
    """
    height, width = alpha.shape
    front = back = np.broadcast_to(picture.mean((0, 1)), (1, 1, 3)).astype(np.float32)
    levels = int(np.ceil(np.log2(max(height, width, 2))))
    for level in range(levels + 1):
        tall, wide = (max(1, round(side ** (level / levels))) for side in (height, width))
        rows, columns = _places(height, tall), _places(width, wide)
        coarse = np.ix_(rows, columns)
        seen, cover = np.ascontiguousarray(picture[coarse]), np.ascontiguousarray(alpha[coarse])
        last = np.ix_(_places(front.shape[0], tall), _places(front.shape[1], wide))
        front, back = np.ascontiguousarray(front[last]), np.ascontiguousarray(back[last])
        for _ in range(MANY if max(tall, wide) <= SMALL else FEW):
            _sweep(seen, cover, STIFFNESS, AT_EDGES, front, back)
    return front


def _places(of: int, count: int) -> NDArray[np.intp]:
    """The nearest of ``of`` px to each of ``count`` along the same length."""
    return np.minimum(((np.arange(count) + 0.5) * of / count).astype(np.intp), of - 1)


@kernel(
    void(given(float32, 3), given(float32, 2), float32, float32, scratch(float32, 3), scratch(float32, 3)),
    error_model="numpy",
)  # fmt: skip
def _sweep(picture, alpha, stiffness, at_edges, front, back):
    """One pass over front and back [h, w, 3], px by px, each from its four neighbours as they are by then."""
    height, width = alpha.shape
    for y in range(height):
        for x in range(width):
            a = alpha[y, x]
            b = float32(1) - a
            total = float32(0)
            f0, f1, f2 = float32(0), float32(0), float32(0)
            b0, b1, b2 = float32(0), float32(0), float32(0)
            for k in range(4):
                v = min(max(y + (k == 0) - (k == 1), int64(0)), height - 1)
                u = min(max(x + (k == 2) - (k == 3), int64(0)), width - 1)
                weight = stiffness + at_edges * abs(a - alpha[v, u])
                total += weight
                f0 += weight * front[v, u, 0]
                f1 += weight * front[v, u, 1]
                f2 += weight * front[v, u, 2]
                b0 += weight * back[v, u, 0]
                b1 += weight * back[v, u, 1]
                b2 += weight * back[v, u, 2]
            # (a a + t) F + a b B = a I + sum F',  a b F + (b b + t) B = b I + sum B': how far the neighbours' means miss the px
            scale = float32(1) / (total * (a * a + b * b + total))
            for c in range(3):
                near, far = (f0, b0) if c == 0 else (f1, b1) if c == 1 else (f2, b2)
                seen = picture[y, x, c]
                one, two = a * seen + near, b * seen + far
                front[y, x, c] = min(max(((b * b + total) * one - a * b * two) * scale, float32(0)), float32(1))
                back[y, x, c] = min(max(((a * a + total) * two - a * b * one) * scale, float32(0)), float32(1))

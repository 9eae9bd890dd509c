"""Alpha of a frame's undecided px, from what is known of them at a quarter of its size (numba)."""

# pyright: reportCallIssue=false, reportArgumentType=false
from __future__ import annotations

from bithuman_core.build.scene.matte import BUSY, DISTINCT, UNDECIDED
from bithuman_core.render.kernel import CAREFUL, remembered

SLOPES, FRONT, BACK, NOISE, KNOWN, PLANES = 0, 4, 7, 10, 11, 12
"""Planes: what the net's alpha is of a px's colours (three slopes and an offset), the person's colour, the background's, their
variance (colours 0..1), and 1 where surely the person is, -1 where surely the background, else 0."""
SURELY = 0.999


@remembered(nogil=True, fastmath=CAREFUL, error_model="numpy")
def unmix(frame, planes, out):  # type: ignore[no-untyped-def]
    """out uint8 [4 h, 4 w] = alpha of the frame [4 h, 4 w, 3] as `scene.matte.unmixed` has it, 0 and 255 where that is known.
    planes: f32 [h, w, PLANES], linear between the middles of their cells."""
    rows, columns = planes.shape[0], planes.shape[1]
    at = planes[0, 0].copy()
    low, high = UNDECIDED
    for y in range(4 * rows):
        v = min(max((y + 0.5) / 4 - 0.5, 0.0), rows - 1.0)
        top = min(int(v), rows - 2)
        down = v - top
        for x in range(4 * columns):
            u = min(max((x + 0.5) / 4 - 0.5, 0.0), columns - 1.0)
            left = min(int(u), columns - 2)
            aside = u - left
            for k in range(KNOWN, -1, -1):
                upper = planes[top, left, k] + aside * (planes[top, left + 1, k] - planes[top, left, k])
                lower = planes[top + 1, left, k] + aside * (planes[top + 1, left + 1, k] - planes[top + 1, left, k])
                at[k] = upper + down * (lower - upper)
                if abs(at[KNOWN]) > SURELY:
                    break
            if abs(at[KNOWN]) > SURELY:
                out[y, x] = 255 if at[KNOWN] > 0 else 0
                continue
            guided, length, along = at[SLOPES + 3], 0.0, 0.0
            for c in range(3):
                colour, across = frame[y, x, c] / 255.0, at[FRONT + c] - at[BACK + c]
                guided += at[SLOPES + c] * colour
                length += across * across
                along += (colour - at[BACK + c]) * across
            t = min(max((guided - low) / (high - low), 0.0), 1.0)
            guided = t * t * (3 - 2 * t)
            share = min(max(along / max(length, 1e-6), 0.0), 1.0)
            rest = 0.0
            for c in range(3):
                left_over = frame[y, x, c] / 255.0 - at[BACK + c] - share * (at[FRONT + c] - at[BACK + c])
                rest += left_over * left_over
            trust = length / (length + DISTINCT**2 + BUSY * at[NOISE] + BUSY * rest)
            alpha = min(max(guided + trust * (share - guided), 0.0), 1.0)
            alpha += at[KNOWN] * (1 - alpha if at[KNOWN] > 0 else alpha)
            out[y, x] = int(255 * alpha + 0.5)

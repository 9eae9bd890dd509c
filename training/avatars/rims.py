"""The rims of lids and lips, where no picture shows the skin well: texels that stick out are continued from their neighbours.

Pixels on a rim show skin and what lies behind it (eyeball, teeth, a shadow) at once. Fitted texels take that up as lines of black
and orange, which become specks where an open mouth or a wide eye draws the rim large.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from bithuman_core.build.arrays import Array
from bithuman_core.build.skin.fill import fill

REACH = 2  # texels about the skin that the neutral hides
WINDOW = 9  # texels a side: what a texel is compared with
STICKS_OUT = 0.06  # levels 0..1 of any channel from the median of the window
DARK = 0.4  # of the median brightness of the skin about the rim: no skin is as dark, but what is behind it
SOFT = 0.8  # texels: how far what remains is smoothed


def calmed(skin: Array, hidden: Array, skin_mask: Array) -> Array:
    """Skin [n, n, 3] with calm rims. hidden [n, n]: near eyes and mouth and not shown by the neutral; skin_mask: any skin."""
    region = ndimage.binary_dilation(hidden, iterations=REACH) & skin_mask
    padded = fill(skin, skin_mask.astype(np.float32))  # so that the window sees skin only
    median = np.stack([ndimage.median_filter(padded[..., k], WINDOW) for k in range(3)], -1)
    luma = skin.mean(2)
    out = np.abs(skin - median).max(2) > STICKS_OUT
    out |= luma < DARK * np.median(luma[region])
    known = skin_mask & ~(region & ndimage.binary_dilation(out & region))
    continued = fill(skin, known.astype(np.float32))
    soft = ndimage.gaussian_filter(continued, (SOFT, SOFT, 0))
    share = ndimage.gaussian_filter(region.astype(np.float32), 1.0)[..., None]
    return np.where(skin_mask[..., None], continued + (soft - continued) * share, skin).astype(np.float32)

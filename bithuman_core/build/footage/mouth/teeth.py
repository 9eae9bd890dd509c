"""Upper teeth hang from the skull: however wide a mouth opens, as much of them is seen below the upper lip as was ever seen.

Pictures of wide mouths are few and often made up; theirs are those of the picture that shows most of them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter1d, map_coordinates

from bithuman_core.build.arrays import Array
from bithuman_core.render.footage.interior import TALL, WIDE, Interiors
from bithuman_core.render.footage.mouth_patch import WIDTH_UNIT

MIDDLE = slice(40, 56)  # columns of a patch that show the first incisors
FALLS = 0.6  # of the light of teeth: below, what comes under them begins
CLEAR = 0.65  # of it: something must be as dark under them, else it is not known where they end
HIGHEST = 0.6  # of a patch's height: teeth begin above
LONGEST = 0.035  # face widths: what is longer is not teeth alone
ROOM = 1.1  # times their length that a mouth must be open to show them whole
SOFT = 0.12  # of their length, over which their lower edge fades


def length(patch: Array, gap: float) -> float:
    """Face widths from the upper lip to the edge of the upper teeth in a patch [TALL, WIDE, 3] of a mouth; 0: none is seen."""
    light = gaussian_filter1d(patch[:, MIDDLE].mean((1, 2)), 1.0)
    top = int(light[: int(HIGHEST * TALL)].argmax())
    dark = np.flatnonzero(light[top:] < FALLS * light[top])
    if not len(dark) or light[top:].min() > CLEAR * light[top]:
        return 0.0
    found = (top + int(dark[0])) / TALL * gap
    return found if found < LONGEST else 0.0


def with_teeth(interiors: Interiors) -> Interiors:
    """The same pictures with all of the upper teeth in every mouth that is open wide enough."""
    gap, width = interiors.gap, interiors.features[:, 1] * WIDTH_UNIT
    lengths = np.array([length(patch, g) for patch, g in zip(interiors.patches, gap, strict=True)])
    best = int(lengths.argmax())
    if lengths[best] == 0:
        return interiors
    teeth = interiors.patches[best]
    made = []
    for k, patch in enumerate(interiors.patches):
        if k != best and gap[k] > ROOM * lengths[best]:
            patch = _lengthened(patch, teeth, float(gap[k] / gap[best]), float(width[k] / width[best]), lengths[best] / gap[k])
        made.append(patch)
    return replace(interiors, patches=np.stack(made).astype(np.float32))


def _lengthened(patch: Array, teeth: Array, taller: float, wider: float, share: float) -> Array:
    """The patch, and before it another one's upper teeth, which end at this share of its height. taller, wider: its mouth beside
    theirs."""
    down = (np.arange(TALL) + 0.5) / TALL
    rows = down * TALL * taller - 0.5
    columns = ((np.arange(WIDE) + 0.5) / WIDE - 0.5) * wider * WIDE + 0.5 * WIDE - 0.5
    places = np.meshgrid(rows, columns, indexing="ij")
    theirs = np.stack([map_coordinates(teeth[..., c], places, order=1, mode="nearest") for c in range(3)], -1)
    seen = np.clip((share - down) / (SOFT * share), 0, 1)[:, None, None]
    seen = seen * (np.abs(columns + 0.5 - 0.5 * WIDE) < 0.5 * WIDE)[None, :, None]
    brighter = np.maximum(theirs.mean(-1, keepdims=True) - patch.mean(-1, keepdims=True), 0)
    share_of = brighter / (brighter + 8.0)  # levels: no line where they are alike
    return patch + seen * share_of * (theirs - patch)

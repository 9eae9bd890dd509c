"""What viewers notice of photo avatars, as figures: every function takes the rig of one, and what it needs of the photo.

`benchmarks.portrait` prints them for its photos; ``tests/build/test_faults.py`` holds their limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.portrait import EYE, posed
from bithuman_core.build.shape.raster import raster
from bithuman_core.face import FaceState
from bithuman_core.render import PortraitRenderer, PortraitRig

LUMA = np.array([0.114, 0.587, 0.299])  # of BGR, ITU-R BT.601
BLINK = {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}
UPPER = 0.6  # share of the open eye's height, from above, that is lid and no lashes when it is closed
SOCKET = (0.1, 0.3)  # widths of the eye from its rim where skin is compared
SKIN = (0.4, 0.8)  # quantiles of brightness there between which it is skin: no lashes, brow or reflex
Bools = NDArray[np.bool_]


def shown(rig: PortraitRig, values: Mapping[str, float]) -> NDArray[np.uint8]:
    """The frame of a face, BGR."""
    return PortraitRenderer(rig).render(FaceState.from_mapping(dict(values)))


def parts(rig: PortraitRig, values: Mapping[str, float]) -> NDArray[np.int64]:
    """Part of the mesh that a frame's pixels show [H, W]; -1 for none."""
    _, triangle, _ = raster(posed(rig, FaceState.from_mapping(dict(values))), rig.triangles, rig.size[1], rig.size[0])
    return np.where(triangle >= 0, rig.part[triangle], -1)


def marks(rig: PortraitRig, values: Mapping[str, float]) -> dict[int, NDArray[np.float64]]:
    """Where the rig's landmarks are in a frame, px, by MediaPipe's number."""
    screen = posed(rig, FaceState.from_mapping(dict(values)))
    at = (screen[rig.landmark_index] * rig.landmark_weight[..., None]).sum(1)[:, :2]
    return {number: at[row].astype(np.float64) for number, row in rig.landmark.items()}


class Lid(NamedTuple):
    """A closed lid beside the skin about it: brightness (share by which it differs), colour (largest difference of a channel's
    share of the brightness)."""

    light: float
    hue: float


def lids(rig: PortraitRig) -> dict[str, Lid]:
    """Both closed lids ("left", "right") of a frame."""
    open_eye, at = parts(rig, {}) == EYE, marks(rig, {})
    rest, blink = (shown(rig, pose) / 255 for pose in ({}, BLINK))
    nose = (at[133][0] + at[362][0]) / 2
    columns = np.arange(rig.size[0])
    out = {}
    for side, corners, own in (("right", (33, 133), columns < nose), ("left", (362, 263), columns > nose)):
        eye = open_eye & own
        size = float(np.linalg.norm(at[corners[0]] - at[corners[1]]))
        rows = np.arange(len(eye))[:, None]
        top, low = np.argmax(eye, 0), len(eye) - 1 - np.argmax(eye[::-1], 0)
        lid = eye & (rows < top + UPPER * (low - top))
        away = np.asarray(ndimage.distance_transform_edt(~eye)) / size
        about = rest[(away > SOCKET[0]) & (away < SOCKET[1]) & own]
        light = about @ LUMA
        low_light, high_light = np.quantile(light, SKIN)
        skin = about[(light >= low_light) & (light <= high_light)].mean(0)
        colour = np.median(blink[lid], axis=0)
        hue = colour / max(colour @ LUMA, 1e-3) - skin / max(skin @ LUMA, 1e-3)
        out[side] = Lid(float(colour @ LUMA / (skin @ LUMA) - 1), float(np.abs(hue).max()))
    return out

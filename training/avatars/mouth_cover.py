"""How much of the light the lips of a character take from the teeth: the value that comes closest to the calibration frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image
from scipy import ndimage

from bithuman_core.build.arrays import Array
from bithuman_core.face import FaceState
from bithuman_core.render import PortraitRenderer, PortraitRig
from training.avatars.fit import Frame
from training.avatars.source import CANVAS, Bake

TRIED = (0.0, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.125, 0.15, 0.2, 0.25)
SHOWS = 20  # levels, of the three channels: a pixel whose colour follows the light in the mouth by more shows its inside
SHUT = 1.0  # cover that leaves the mouth dark
LEAST = 6  # px: a frame that shows less of the mouth says nothing


def fitted(bake: Bake, rig: PortraitRig, pictures: list[Frame]) -> float:
    """The best of TRIED for a finished rig: least squared difference inside the mouth, over all frames that show it."""
    plate = Image.open(bake.folder / "plate.png").convert("RGB").resize((CANVAS // 2, CANVAS // 2), Image.Resampling.BOX)
    behind = np.asarray(plate, np.float32)[..., ::-1]
    drawn = {cover: _drawn(rig, cover, pictures) for cover in (*TRIED, SHUT)}
    error = np.zeros(len(TRIED))
    for k, frame in enumerate(pictures):
        alpha = frame.picture[..., 3:]
        truth = 255 * frame.picture[..., 2::-1] * alpha + behind * (1 - alpha)
        inside = np.abs(drawn[TRIED[0]][k] - drawn[SHUT][k]).sum(2) > SHOWS
        if inside.sum() >= LEAST:
            for n, cover in enumerate(TRIED):
                off = ndimage.uniform_filter(drawn[cover][k] - truth, 2, axes=(0, 1))  # without the grain of the picture
                error[n] += np.square(off[inside]).sum()
    best = TRIED[int(error.argmin())]
    print(f"mouth_cover {best}: error {error.min():.3g}, without it {error[0]:.3g}", flush=True)
    return best


def _drawn(rig: PortraitRig, cover: float, pictures: list[Frame]) -> list[Array]:
    """Every pose of the frames as float32 BGR."""
    renderer = PortraitRenderer(replace(rig, mouth_cover=cover))
    heads = [dict(zip(("headYaw", "headPitch", "headRoll"), frame.head, strict=True)) for frame in pictures]
    poses = [frame.coefficients | head for frame, head in zip(pictures, heads, strict=True)]
    return [renderer.render(FaceState.from_mapping(pose)).astype(np.float32) for pose in poses]

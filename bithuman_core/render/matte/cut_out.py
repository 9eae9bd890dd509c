"""A portrait without its background: the colours at the soft edges of its backdrop are solved for anew."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bithuman_core.background import OWN, Background
from bithuman_core.render.matte.foreground import foreground
from bithuman_core.render.matte.scene import Scene, stage
from bithuman_core.render.rig import PortraitRig, Still
from bithuman_core.render.still import settled


@dataclass(frozen=True, eq=False)
class PortraitScene(Scene):
    """A scene of a portrait: its plate, and its backdrop (packed BGRA) and still part as they are before that."""

    backdrop: NDArray[np.uint32] | None = None
    still: Still | None = None


def portrait_scene(rig: PortraitRig, background: Background = OWN) -> PortraitScene:
    """The scene of a background for a portrait: some 10 ms of work, 100 ms more where it was made of a photo."""
    plate = stage(background, rig.plate)
    if plate is None or not rig.matted:
        return PortraitScene(background, plate)
    backdrop = unmixed(rig.backdrop, rig.plate)
    return PortraitScene(background, plate, backdrop, settled(replace(rig, backdrop=backdrop)))


def unmixed(backdrop: NDArray[np.uint32], plate: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """The backdrop (packed BGRA [h, w], a picture of the whole canvas) with the person's own colours at its soft edges.

    plate: BGR [H, W, 3], what stood behind it: both together are the photo, from which the colours are taken.
    """
    height, width = backdrop.shape
    stored = np.ascontiguousarray(backdrop).view(np.uint8).reshape(height, width, 4)
    alpha = stored[..., 3].astype(np.float32) / np.float32(255)
    behind = np.asarray(Image.fromarray(plate).resize((width, height), Image.Resampling.BICUBIC), np.float32)
    photo = (stored[..., :3] * alpha[..., None] + (1 - alpha[..., None]) * behind) / np.float32(255)
    own = np.rint(255 * foreground(photo.astype(np.float32), alpha)).astype(np.uint8)
    soft = stored[..., 3] < 255
    out = stored.copy()
    out[soft, :3] = own[soft]
    packed = out.view(np.uint32)[..., 0]
    packed.flags.writeable = False
    return packed

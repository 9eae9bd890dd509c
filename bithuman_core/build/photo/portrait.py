"""What the analysis of one photo hands to the making of the rig."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.build.photo.observed import Observed

CANVAS = 1024
"""Shorter side S of the canvas an avatar is built on, and side of the square about its head, px."""
FACE_WIDTH = 0.4
"""Width of the face (MediaPipe points 234 to 454) as a share of that."""


@dataclass(frozen=True)
class Portrait:
    """One analysed photo, or the best picture of a clip, upright on the canvas of H x W px.

    Canvas px: x right, y down, (0, 0) the top left corner, the middle of the first pixel at (0.5, 0.5).
    """

    picture: NDArray[np.float32]
    """[H, W, 3] RGB 0..1, sRGB as stored: the photo where `alpha` is 1. Towards 0 the person's own colours, with the old
    background taken out of hair and edges, continued outwards: ``picture * alpha + plate * (1 - alpha)`` is the photo."""
    landmarks: NDArray[np.float32]
    """[478, 3] canvas px in MediaPipe's order (468 to 477 irises); z in the same px, negative towards the camera."""
    blendshapes: dict[str, float]
    """What the photo's own expression holds: ARKit name to 0..1, as MediaPipe's 52-shape net reads it."""
    alpha: NDArray[np.float32]
    """[H, W] 0..1, the person."""
    plate: NDArray[np.float32]
    """[H/2, W/2, 3] RGB 0..1: the background alone, continued behind the person; [H, W, 3] where the photo is `fine`."""
    notes: list[str]
    """Sentences for the user: what the photo lacks, what was assumed."""
    provenance: dict[str, Any]
    """Goes into the avatar file: source hash, canvas, models, builder version."""
    observed: Observed = field(default_factory=Observed)
    """What other pictures of a clip show of the person."""
    corner: tuple[int, int] = (0, 0)
    """x, y of the square of `CANVAS` px about the head: what moves lies in it."""
    covered: tuple[str, ...] = ()
    """Eyes ("left", "right": the person's own) that the photo does not show, behind dark glasses or a patch."""
    fine: bool = False
    """Whether the photo holds more than frames of half the canvas show: the avatar is stored at twice their size."""
    drawn: bool = False
    """Whether it is no photo but drawn: a mouth of flat colours suits it."""

    def square(self) -> Portrait:
        """The same with the square about the head for its canvas (the plate is left as it is)."""
        x, y = self.corner
        rows, columns = slice(y, y + CANVAS), slice(x, x + CANVAS)
        landmarks = self.landmarks - np.array([x, y, 0], np.float32)
        return replace(self, picture=self.picture[rows, columns], alpha=self.alpha[rows, columns], landmarks=landmarks,
                       corner=(0, 0))  # fmt: skip

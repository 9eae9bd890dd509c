"""The face state: the one interface between motion and render.

52 ARKit blendshape coefficients (Apple's order and spelling), the head pose and the breath, backed by one float32 array, so
that motion can be blended with plain array arithmetic and exported to any tool that speaks ARKit.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

# Order of ARFaceAnchor.BlendShapeLocation as Apple's own recordings write it. Left and right are the character's own.
ARKIT_NAMES: tuple[str, ...] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft", "eyeWideLeft",
    "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight", "eyeSquintRight",
    "eyeWideRight", "jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker",
    "mouthLeft", "mouthRight", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight",
    "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight", "mouthRollLower", "mouthRollUpper",
    "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft",
    "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft", "browDownRight", "browInnerUp",
    "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft",
    "noseSneerRight", "tongueOut",
)  # fmt: skip
# Degrees; yaw + turns the nose to image right, pitch + lifts the nose, roll + tips the top of the head to image right.
# X (image right), Y (image down) and Z (away from the camera) are fractions of the face width.
HEAD_NAMES: tuple[str, ...] = ("headYaw", "headPitch", "headRoll", "headX", "headY", "headZ")
BREATH = "breath"  # 0: as in the neutral picture, 1: lungs full, the shoulders at their highest
FACE_NAMES: tuple[str, ...] = (*ARKIT_NAMES, *HEAD_NAMES, BREATH)
INDEX: dict[str, int] = {name: i for i, name in enumerate(FACE_NAMES)}

COEFFICIENTS = len(ARKIT_NAMES)  # 52
HEAD = slice(COEFFICIENTS, COEFFICIENTS + len(HEAD_NAMES))
FACE_SIZE = len(FACE_NAMES)  # 59


def indices(*names: str) -> NDArray[np.intp]:
    """Positions of the given names in :data:`FACE_NAMES`. Raises KeyError for an unknown name."""
    return np.array([INDEX[name] for name in names], np.intp)


class FaceState:
    """One face at one moment.

    ``values`` is float32 [59]: coefficients 0..1 in the order of :data:`ARKIT_NAMES`, then :data:`HEAD_NAMES`, then breath 0..1.
    Items are read and set by name: ``face["jawOpen"] = 0.4``. Unknown names raise KeyError.
    """

    __slots__ = ("values",)

    def __init__(self, values: NDArray[np.float32] | None = None) -> None:
        if values is None:
            values = np.zeros(FACE_SIZE, np.float32)
        elif values.shape != (FACE_SIZE,) or values.dtype != np.float32:
            raise ValueError(f"a face state is float32 [{FACE_SIZE}], not {values.dtype} {list(values.shape)}")
        self.values: NDArray[np.float32] = values

    @classmethod
    def from_mapping(cls, named: Mapping[str, float]) -> FaceState:
        """A face from ``{"jawOpen": 0.4, "headYaw": 8}``; names left out are 0. Raises KeyError for an unknown name."""
        face = cls()
        for name, value in named.items():
            face[name] = value
        return face

    @property
    def coefficients(self) -> NDArray[np.float32]:
        """The 52 ARKit coefficients, a view, float32 [52]."""
        return self.values[:COEFFICIENTS]

    @property
    def head(self) -> NDArray[np.float32]:
        """Yaw, pitch, roll (degrees), X, Y, Z (face widths), a view, float32 [6]."""
        return self.values[HEAD]

    def __getitem__(self, name: str) -> float:
        return float(self.values[INDEX[name]])

    def __setitem__(self, name: str, value: float) -> None:
        self.values[INDEX[name]] = value

    def copy(self) -> FaceState:
        """An independent copy."""
        return FaceState(self.values.copy())

    def clipped(self) -> FaceState:
        """A copy with every coefficient and the breath inside 0..1 (the head pose is limited by the avatar, not here)."""
        face = self.copy()
        np.clip(face.coefficients, 0.0, 1.0, out=face.coefficients)
        face.values[-1] = min(max(face.values[-1], 0.0), 1.0)
        return face

    def to_dict(self) -> dict[str, float]:
        """Every value that is not zero, by name."""
        return {name: float(v) for name, v in zip(FACE_NAMES, self.values, strict=True) if v != 0.0}

    def __repr__(self) -> str:
        return f"FaceState({', '.join(f'{k}={v:.3g}' for k, v in self.to_dict().items())})"

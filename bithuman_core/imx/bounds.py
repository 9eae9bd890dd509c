"""The one table of what the numbers of an avatar may be. Kernels do not check: nothing reaches them without an entry here.

Numbers are compared as float32, which is what kernels get: 1e41 is finite as a Python float and infinite there.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bithuman_core.errors import ModelLoadError, ModelSecurityError

# Name in the file -> (lowest, highest). Shipped avatars lie far inside; the outermost still project and rasterise in float32.
BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    # numbers of rig
    "sample_canvas": (32, 8192),  # px
    "principal": (0, 8192),  # px; also: inside the canvas
    "distance": (1, 1e6),  # px space
    "pivot": (-1e5, 1e5),  # px space
    "face_width": (1, 8192),  # px space; also: no more than the canvas
    "shade_scale": (1e-3, 10),
    "mouth_ambient": (0, 1),
    "mouth_warmth": (0, 1),
    "mouth_cover": (0, 1),
    "pixel_filter": (0, 0.25),
    "texture_scale": (1, 2),
    "matted": (0, 1),
    "yaw": (1e-3, 90), "up": (1e-3, 90), "down": (1e-3, 90),  # of gaze_degrees
    "degrees": (-90, 90),  # of a corrective; also: 1 at least to either side
    "centre": (0, 4096), "radius": (1, 4096), "place": (0, 2047),  # of an eye, px; also: inside its picture, the texture
    # footage
    "gop": (1, 60),  # frames; a whole number
    "gain": (0.5, 2), "width_gain": (0.5, 2),
    "pose": (-1e4, 1e4),  # radians, px of the canvas to one of head space, canvas px
    "rest_basis": (-1, 1), "rest_amount": (-1e4, 1e4),  # head space
    "inner_weight": (-2, 2), "outer_weight": (-2, 2), "jaw_weight": (-2, 2),
    "near_share": (0, 1), "beyond_share": (0, 1),
    "interior_gap": (0.001, 1), "interior_feature": (-100, 100),
    # limits: degrees, face widths
    "headYaw": (-60, 60), "headPitch": (-60, 60), "headRoll": (-60, 60),
    "headX": (-1, 1), "headY": (-1, 1), "headZ": (-1, 1),
    # keys of gestures: s, and what is added to a face value
    "seconds": (0, 20), "value": (-100, 100),
    # arrays of floats
    "vertices": (-1e5, 1e5), "backdrop_vertices": (-1e5, 1e5),  # px space
    "shape_delta": (-1e4, 1e4),  # px space
    "uv": (0, 2047), "backdrop_uv": (0, 2047),  # texture px; also: inside the picture
    "residual_scale": (-255, 255), "detail_scale": (-255, 255),  # levels a step
    "landmark_weight": (-2, 2),
}  # fmt: skip

# Name -> the most entries or rows.
MOST: Final[Mapping[str, int]] = {
    "vertices": 65536, "backdrop_vertices": 65536,  # what a uint16 can point at
    "landmark": 1024,  # MediaPipe has 478
    "gestures": 100, "keys": 200,  # of a channel
    "correctives": 64,
    "film": 4500, "ways": 64, "interiors": 64, "jumps": 4096,  # frames, rows of the basis, pictures, of footage
    "name": 200,  # characters, of an avatar or a gesture
}  # fmt: skip
SHOWN = 40  # characters of a refused value: a number can have 4300 digits
JOINERS = "\u200c\u200d"  # Persian and emoji need them


def shown(value: object) -> str:
    """A value for an error message, cut to a line."""
    text = ascii(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def finite32(value: object, low: float, high: float) -> float:
    """``value`` as it is, where it is a number that rounds to a float32 from ``low`` to ``high``. Raises ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{shown(value)} is not a number")
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    with np.errstate(over="ignore", under="ignore"):
        inside = np.float32(low) <= np.float32(number) <= np.float32(high)
    if not inside:  # so does NaN end here
        raise ValueError(f"{shown(value)} is not {low:g} to {high:g}")
    return number


def number(name: str, value: object) -> float:
    """A number of the file within its entry of :data:`BOUNDS`. Raises ModelLoadError naming it."""
    try:
        return finite32(value, *BOUNDS[name])
    except ValueError as error:
        raise ModelLoadError(f"The avatar's number {name!r} does not fit: {error}; build it again with this version.") from error


def check_array(name: str, array: NDArray[Any]) -> None:
    """Refuse an array of floats with an entry outside of its :data:`BOUNDS`, or NaN: ModelLoadError."""
    low, high = BOUNDS[name]
    if array.size and not (array.min() >= low and array.max() <= high):
        raise ModelLoadError(f"The avatar's array {name!r} holds numbers that are not {low:g} to {high:g}; the file is damaged.")


def check_count(name: str, count: int) -> None:
    """Refuse more than :data:`MOST` allows: ModelSecurityError. Called before anything is made of them."""
    if count > MOST[name]:
        raise ModelSecurityError(f"The avatar has {count} of {name!r}; {MOST[name]} are allowed.")


def is_name(text: object) -> bool:
    """Whether a text can be shown as a name: printable characters, spaces of any script, no more than 200."""
    return isinstance(text, str) and len(text) <= MOST["name"] and text == as_name(text)


def as_name(text: str) -> str:
    """What of a text can be shown as a name: neither control characters nor halves of surrogate pairs, cut to 200."""
    return "".join(filter(_is_shown, text))[: MOST["name"]]


def _is_shown(character: str) -> bool:
    return character.isprintable() or character in JOINERS or unicodedata.category(character) == "Zs"

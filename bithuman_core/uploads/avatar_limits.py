"""What an avatar of somebody else's may cost: some four times what the shipped ones do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bithuman_core.errors import ModelSecurityError
from bithuman_core.imx import ImxFile
from bithuman_core.imx.reader import IMAGE_FORMATS, MAX_IMAGE
from bithuman_core.intake.pictures import open_picture

TICK_MS = 40.0  # CPU time of a frame: 25 of them are shown in a second
GROUP_MS = 80.0  # CPU time of decoding a group of frames of a film: so long may a jump in it take
SIDE = 1280  # px of its frames: a film of 720 x 1280

# Name of an array -> (what its rows are called, the most of them). The shipped ones have up to the number beside it.
PORTRAIT: Final[Mapping[str, tuple[str, int]]] = {
    "vertices": ("vertices", 20_000),  # 5,395
    "triangles": ("triangles", 32_000),  # 8,206
    "backdrop_vertices": ("vertices of its backdrop", 12_000),  # 2,960
    "backdrop_triangles": ("triangles of its backdrop", 20_000),  # 5,266
    "shape_index": ("rows of its shapes", 280_000),  # 69,337
    "residual": ("bytes of its texture residuals", 3_400_000),  # 829,359
    "detail": ("bytes of its detail residuals", 3_000_000),  # 717,597
}
FOOTAGE: Final[Mapping[str, tuple[str, int]]] = {
    "vertices": ("vertices", 20_000),  # 3,050
    "triangles": ("triangles", 32_000),  # 5,524
    "shape_index": ("rows of its shapes", 280_000),  # 49,789
    "film_start": ("frames", 1_501),  # 500 in 20 s
    "film": ("bytes of film", 24_000_000),  # 3,500,000
    "matte": ("bytes of its matte", 6_000_000),  # 400,000
    "behind": ("bytes of its background", 6_000_000),  # 200,000
}
OPTIONAL = frozenset(("matte", "behind"))
ROWS: Final[Mapping[str, Mapping[str, tuple[str, int]]]] = {"portrait": PORTRAIT, "footage": FOOTAGE}
PIXELS = 5_000_000  # of all its pictures together: 1,263,792


def check_counts(avatar: ImxFile) -> None:
    """Refuse an avatar whose frames or counts are over the limits: ModelSecurityError. Nothing of it has been made or drawn."""
    width, height = avatar.manifest.canvas
    if max(width, height) > SIDE:
        raise ModelSecurityError(f"The avatar has frames of {width} x {height} px, and {SIDE} px a side are taken here.")
    for name, (called, most) in ROWS[avatar.manifest.kind].items():
        if name in avatar.arrays or name not in OPTIONAL:
            _check(called, len(avatar.array(name)), most)
    pixels = 0
    for name in avatar.manifest.images:
        try:
            with open_picture(avatar.array(name).tobytes(), IMAGE_FORMATS, MAX_IMAGE**2) as picture:
                pixels += picture.width * picture.height
        except OSError:  # whoever decodes it says what is wrong
            continue
        _check("pixels in its pictures", pixels, PIXELS)


def check_tick(milliseconds: float) -> None:
    """Refuse an avatar whose frame takes so much CPU time: ModelSecurityError."""
    if milliseconds > TICK_MS:
        raise ModelSecurityError(
            f"The avatar takes {milliseconds:.0f} ms to draw one frame, and {TICK_MS:.0f} ms are taken here, for 25 frames are "
            "shown in a second."
        )


def check_group(milliseconds: float) -> None:
    """Refuse a film of which a group of frames takes so much CPU time: ModelSecurityError."""
    if milliseconds > GROUP_MS:
        raise ModelSecurityError(
            f"The avatar takes {milliseconds:.0f} ms to decode a group of frames, and {GROUP_MS:.0f} ms are taken here: build it "
            "again with this version."
        )


def _check(called: str, count: int, most: int) -> None:
    if count > most:
        raise ModelSecurityError(f"The avatar has {count:,} {called}, and {most:,} are taken here.")

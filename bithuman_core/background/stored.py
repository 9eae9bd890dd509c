"""The background that an avatar's file names for itself (``docs/imx-format.md``)."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from bithuman_core.background.choice import OWN, Background, Kind
from bithuman_core.errors import BackgroundError, ModelLoadError
from bithuman_core.imx import ImxFile, Manifest

ARRAY = "background"  # the picture of the kind PICTURE
QUALITY = 92  # of it, WebP
NOT_CLEAR = (
    "An avatar's file always has a background, and is cut out when something is made of it: leave transparent out here, and give "
    "it to render, still or set_background."
)


def own_background(avatar: ImxFile) -> Background:
    """What an avatar stands before unless somebody chooses. Raises ModelLoadError for a name that is none."""
    named = avatar.manifest.background
    if named == Kind.PHOTO:
        return OWN
    if named == Kind.PICTURE:
        picture = avatar.image(ARRAY)
        if picture.ndim != 3:
            raise ModelLoadError("The avatar's background picture has no colours; build it again with this version.")
        return Background(Kind.PICTURE, picture=np.ascontiguousarray(picture[..., :3]))
    try:
        if named == Kind.BLUR or named.startswith("#"):
            return Background.of(named)
    except BackgroundError as error:
        raise ModelLoadError(f"The avatar's background does not fit: {error.message}") from error
    raise ModelLoadError(f"The avatar names the unknown background {named[:40]!r}: update bithuman_core.")


def with_background(
    manifest: Manifest, arrays: dict[str, NDArray[np.generic]], background: Background
) -> tuple[Manifest, dict[str, NDArray[np.generic]]]:
    """Manifest and arrays of the avatar that stands before a background. Raises BackgroundError for a transparent one."""
    if not background.opaque:
        raise BackgroundError(NOT_CLEAR)
    if background.picture is None:
        return replace(manifest, background=str(background)), arrays
    coded = BytesIO()
    ImageOps.fit(Image.fromarray(background.picture), manifest.canvas, Image.Resampling.LANCZOS).save(
        coded, "WEBP", quality=QUALITY, method=4
    )
    images = (*manifest.images, ARRAY)
    made = {**arrays, ARRAY: np.frombuffer(coded.getvalue(), np.uint8)}
    return replace(manifest, background=str(background), images=tuple(sorted(images))), made

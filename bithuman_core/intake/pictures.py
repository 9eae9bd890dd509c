"""Opening pictures: in formats that the caller names, no larger than it says, before anything is decoded."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from io import BytesIO

from PIL import Image

READERS = {
    "JPEG": "JpegImagePlugin", "MPO": "MpoImagePlugin", "PNG": "PngImagePlugin", "WEBP": "WebPImagePlugin",
    "TIFF": "TiffImagePlugin", "BMP": "BmpImagePlugin", "GIF": "GifImagePlugin", "AVIF": "AvifImagePlugin",
}  # fmt: skip
"""Every format that is read, and Pillow's reader of it; its others (some start programs) are not imported."""


def open_picture(content: bytes, formats: Iterable[str], most_pixels: int) -> Image.Image:
    """The picture of a file's bytes, not decoded yet. formats: keys of :data:`READERS`, of which this Pillow may lack some.

    Raises what Pillow raises: UnidentifiedImageError for another format, DecompressionBombError over ``most_pixels`` px.
    """
    known = [name for name in formats if _is_there(name)]
    picture = Image.open(BytesIO(content), formats=known)
    width, height = picture.size
    if width * height > most_pixels:
        raise Image.DecompressionBombError(f"{width} x {height} px, and {most_pixels / 1e6:.0f} megapixels are allowed")
    return picture


def _is_there(name: str) -> bool:
    if importlib.util.find_spec(f"PIL.{READERS[name]}"):
        importlib.import_module(f"PIL.{READERS[name]}")
    return name in Image.OPEN

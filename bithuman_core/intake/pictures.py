"""Opening pictures: in formats that the caller names, no larger than it says, before anything is decoded."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from io import BytesIO

from PIL import Image

READERS = {
    "JPEG": "PIL.JpegImagePlugin", "MPO": "PIL.MpoImagePlugin", "PNG": "PIL.PngImagePlugin", "WEBP": "PIL.WebPImagePlugin",
    "TIFF": "PIL.TiffImagePlugin", "BMP": "PIL.BmpImagePlugin", "GIF": "PIL.GifImagePlugin", "AVIF": "PIL.AvifImagePlugin",
    "HEIF": "pi_heif",
}  # fmt: skip
"""Every format that is read, and its reader; Pillow's others (some start programs) are not imported. HEIF comes from phones."""


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
    if importlib.util.find_spec(READERS[name]):
        reader = importlib.import_module(READERS[name])
        if name == "HEIF":  # on one thread, and of its pictures only the first: no thumbnails, depths and masks
            reader.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)
    return name in Image.OPEN

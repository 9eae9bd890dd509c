"""Reading a picture that is to stand behind an avatar: capped before anything is decoded, upright, in sRGB."""

from __future__ import annotations

import struct
import warnings
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from bithuman_core.errors import BackgroundError
from bithuman_core.intake.pictures import open_picture
from bithuman_core.settings import MAX_SIDE

FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "AVIF", "HEIF")
MAX_BYTES = 24 << 20
MAX_PIXELS = 40_000_000
TOLD_PIXELS = 178_000_000  # so large a picture is still told its size; a header that says more is not believed
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error, ArithmeticError, LookupError, TypeError,
           RuntimeError)  # fmt: skip
# (what Pillow's decoders raise on broken files)


def read_picture(source: Path | bytes) -> NDArray[np.uint8]:
    """The picture of a file, RGB uint8 [h, w, 3], its longest side 2160 px at most; what is clear in it is black.

    Raises BackgroundError: unreadable, no picture, damaged, over 24 MiB or 40 megapixels.
    """
    content = source if isinstance(source, bytes) else _content(source)
    if len(content) > MAX_BYTES:
        raise BackgroundError(_too_long(len(content)))
    try:
        with warnings.catch_warnings():  # Pillow's, of large or damaged pictures: ours are sentences
            warnings.simplefilter("ignore")
            image = open_picture(content, FORMATS, TOLD_PIXELS)
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise BackgroundError(
                f"The background has {width} x {height} px, {width * height / 1e6:.0f} megapixels, and "
                f"{MAX_PIXELS // 10**6} are allowed: shrink it."
            )
        image.draft("RGB", (MAX_SIDE, MAX_SIDE))
        image.load()
        image = ImageOps.exif_transpose(image)
        image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX, reducing_gap=None)
        return np.array(_to_srgb(image))
    except (Image.DecompressionBombError, MemoryError) as error:
        raise BackgroundError(f"The background would need too much memory ({error}): shrink it.") from error
    except Image.UnidentifiedImageError as error:
        raise BackgroundError("The background is no picture that can be read here: use a JPEG, PNG or WebP file.") from error
    except BackgroundError:
        raise
    except _BROKEN as error:
        raise BackgroundError(f"The background is damaged or incomplete ({error}): save it again as JPEG or PNG.") from error


def _content(path: Path) -> bytes:
    try:
        if path.is_file() and path.stat().st_size > MAX_BYTES:
            raise BackgroundError(_too_long(path.stat().st_size))
        return path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, BackgroundError):
            raise
        reason = error.strerror if isinstance(error, OSError) else error
        raise BackgroundError(f"The background {str(path)!r} cannot be read: {reason}.") from error


def _too_long(size: int) -> str:
    return f"The file of the background has {size / 2**20:.0f} MiB and {MAX_BYTES >> 20} are allowed: save it smaller."


def _to_srgb(image: Image.Image) -> Image.Image:
    """Any mode and colour profile -> RGB in sRGB."""
    profile = image.info.get("icc_profile")
    if "A" in image.mode or "a" in image.mode or "transparency" in image.info or image.mode == "P":
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image).convert("RGB")
    if image.mode.startswith(("I", "F")):
        raise BackgroundError("The background has more than 8 bits a colour: save it again as JPEG or PNG with 8.")
    if profile and image.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            image = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB") or image
        except ImageCms.PyCMSError:  # a profile that nothing can read: the numbers are taken for sRGB, as browsers do
            return image.convert("RGB")
    return image.convert("RGB")

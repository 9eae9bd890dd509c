"""From a picture file to upright sRGB pixels, safely: capped before anything is decoded, one sentence for what is wrong."""

from __future__ import annotations

import hashlib
import struct
import warnings
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

from bithuman_core.build.photo import hdr, rim
from bithuman_core.build.photo.rim import inside_rim
from bithuman_core.errors import BuildError
from bithuman_core.intake.pictures import READERS, open_picture

MAX_BYTES = 64 << 20
MAX_PIXELS, LARGER = 32_000_000, {"JPEG": 64_000_000, "MPO": 64_000_000, "HEIF": 50_000_000}
"""JPEG files can be decoded at a smaller size, so they may be larger; HEIC as large as phones make them."""
MOST_PIXELS = 178_000_000
"""Up to here it is told how large a photo is and what is allowed; a header that says more is not believed."""
MAX_ASPECT = 8
MIN_SIDE = 90
WORKING_PIXELS = 16_000_000
"""Larger JPEG files are decoded at half or a quarter of their size, HEIC is made so: an avatar needs far less."""
CLEAR = (190, 190, 190)
"""What shows through the clear parts of a cut-out picture."""

# What Pillow's decoders raise on broken files, besides their own errors.
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error, ArithmeticError, LookupError, TypeError,
           RuntimeError)  # fmt: skip


@dataclass(frozen=True)
class Photo:
    """An upright RGB picture in sRGB, sha256 of the file, and sentences for the user."""

    image: Image.Image
    sha256: str
    notes: tuple[str, ...]


def load_photo(source: str | Path | bytes) -> Photo:
    """Decode a photo (a path, or the bytes of a file).

    Raises `BuildError`: not readable, no picture, damaged, over 64 MiB or 32 megapixels (JPEG 64, HEIC 50), under 90 px a side.
    """
    data = source if isinstance(source, bytes) else read_photo(Path(source))
    if len(data) > MAX_BYTES:
        raise BuildError(_too_large(len(data)))
    try:
        with warnings.catch_warnings():  # Pillow's, of large or damaged pictures: ours are sentences
            warnings.simplefilter("ignore")
            image = open_picture(data, READERS, MOST_PIXELS)
        _check_size(image)
        notes = ["The file holds several pictures: the first one is used."] if _is_animated(image) else []
        shrink = _shrink(*image.size)
        image.draft("RGB", (image.width // shrink, image.height // shrink))
        image.load()
        if image.format == "HEIF":
            image = image.reduce(shrink)
        ImageOps.exif_transpose(image, in_place=True)
        return Photo(_without_rim(_to_srgb(image, notes), notes), hashlib.sha256(data).hexdigest(), tuple(notes))
    except BuildError:
        raise
    except (Image.DecompressionBombError, MemoryError) as error:
        raise BuildError(f"the photo would need too much memory ({error}): use one of 32 megapixels at most") from error
    except Image.UnidentifiedImageError as error:
        if data[4:8] == b"ftyp":
            raise BuildError("the photo is damaged or incomplete: export it again as JPEG or PNG") from error
        raise BuildError(
            "the file is no picture that can be read here: use a JPEG, PNG, WebP or HEIC photo, or an MP4 clip"
        ) from error
    except _BROKEN as error:
        raise BuildError(f"the photo is damaged or incomplete ({error}): save it again as JPEG or PNG") from error


def read_photo(path: Path) -> bytes:
    """The bytes of a photo file, 64 MiB at most. Raises `BuildError`."""
    try:
        if path.is_file() and path.stat().st_size > MAX_BYTES:
            raise BuildError(_too_large(path.stat().st_size))
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BuildError(f"cannot read the photo {str(path)!r}: {reason}") from error


def _too_large(size: int) -> str:
    return f"the photo file has {size / 2**20:.0f} MiB and {MAX_BYTES >> 20} are allowed: save it smaller"


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    limit = LARGER.get(image.format or "", MAX_PIXELS)
    if width * height > limit:
        raise BuildError(
            f"the photo has {width} x {height} px, {width * height / 1e6:.0f} megapixels, and {limit // 10**6} are allowed "
            f"({LARGER['JPEG'] // 10**6} for JPEG): shrink it"
        )
    if min(width, height) < MIN_SIDE:
        raise BuildError(f"the photo has {width} x {height} px and {MIN_SIDE} a side are needed: use a larger one")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise BuildError(f"the photo has {width} x {height} px, a strip of over {MAX_ASPECT} to 1: cut it around the head")


def _shrink(width: int, height: int) -> int:
    """By how much sides are divided so that no more than WORKING_PIXELS are left."""
    shrink = 1
    while width * height > WORKING_PIXELS * shrink**2:
        shrink *= 2
    return shrink


def _is_animated(image: Image.Image) -> bool:
    return bool(getattr(image, "is_animated", False)) and image.format != "MPO"


def _to_srgb(image: Image.Image, notes: list[str]) -> Image.Image:
    """Any mode and colour profile -> RGB in sRGB."""
    if image.mode.startswith(("I", "F")):
        image = _to_8_bit(image)
    profile = image.info.get("icc_profile")
    if image.mode in ("P", "PA", "LA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode == "RGBA":
        if np.asarray(image.getchannel("A")).min() < 255:
            notes.append("The clear parts of the picture were made grey.")
            image = Image.alpha_composite(Image.new("RGBA", image.size, (*CLEAR, 255)), image)
        image = image.convert("RGB")
    coded = image.info.get("nclx_profile")  # of HEIC: the numbers of H.273
    if coded and not profile and hdr.is_foreign(coded["transfer_characteristics"], coded["color_primaries"]):
        if hdr.is_hdr(coded["transfer_characteristics"]):
            notes.append(hdr.NOTE)
        rgb = np.asarray(image.convert("RGB"))
        return Image.fromarray(hdr.to_srgb(rgb, coded["transfer_characteristics"], coded["color_primaries"]))
    if profile and image.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            image = converted if converted is not None else image
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            notes.append("The colour profile of the photo could not be used: its colours are taken as sRGB.")
    return image if image.mode == "RGB" else image.convert("RGB")


def _without_rim(image: Image.Image, notes: list[str]) -> Image.Image:
    box = inside_rim(image)
    if box is None:
        return image
    notes.append(rim.NOTE)
    image = image.crop(box)
    _check_size(image)
    return image


def _to_8_bit(image: Image.Image) -> Image.Image:
    """16-bit integers and floats -> L. The range is what the type allows, or what the picture uses where that is unknown."""
    values = np.asarray(image, np.float32)
    if not np.isfinite(values).all():
        raise BuildError("the photo holds numbers that are not finite: save it as JPEG or PNG")
    high = float(values.max())
    top = 65535 if high > 255 else 255 if high > 1 else 1
    return Image.fromarray(np.clip(values * (255 / max(top, high)), 0, 255).astype(np.uint8))

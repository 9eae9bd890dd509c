"""What an avatar can be made of: photos and short clips, told apart."""

from __future__ import annotations

from pathlib import Path

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".heic", ".heif"})
CLIP_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv"})
_PICTURE_BRANDS = (b"hei", b"hev", b"mif", b"avi", b"msf")
_ATOMS = (b"moov", b"mdat", b"wide", b"free", b"skip")  # how QuickTime files without a brand begin
_MATROSKA = b"\x1a\x45\xdf\xa3"


def is_clip(source: str | Path | bytes) -> bool:
    """Whether a file (a path, or its bytes) is a video: by its first bytes, or the suffix of its path."""
    if isinstance(source, bytes):
        return _begins_like_a_clip(source[:16])
    path = Path(source)
    if path.suffix.lower() in CLIP_SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            return _begins_like_a_clip(file.read(16))
    except (OSError, ValueError):  # whoever reads it as a photo says why
        return False


def _begins_like_a_clip(head: bytes) -> bool:
    movie = head[4:8] == b"ftyp" and not head[8:12].startswith(_PICTURE_BRANDS)
    return movie or head[4:8] in _ATOMS or head.startswith(_MATROSKA)

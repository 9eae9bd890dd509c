"""What an avatar can be made of: photos and short clips, told apart."""

from __future__ import annotations

from pathlib import Path

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".heic", ".heif",
                            ".hif"})  # fmt: skip
CLIP_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".ts", ".mts", ".m2ts", ".wmv", ".asf", ".flv",
                           ".mpg", ".mpeg", ".3gp", ".ogv"})  # fmt: skip
_PICTURE_BRANDS = (b"hei", b"hev", b"mif", b"avi", b"msf")
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*")  # JPEG, PNG, GIF, BMP, TIFF
_ATOMS = (b"moov", b"mdat", b"wide", b"free", b"skip")  # how QuickTime files without a brand begin
_BEGINNINGS = (b"\x1a\x45\xdf\xa3", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b"FLV\x01", b"\0\0\x01\xba", b"OggS")
"""Of Matroska and WebM, ASF (WMV), FLV, MPEG, Ogg."""
_PACKETS = ((0, 188), (4, 192))  # offset and distance of the 0x47 that every packet of an MPEG-TS file begins with, cameras' 192
_LOOK = 4 + 2 * 192 + 1  # bytes that are looked at


def is_clip(source: str | Path | bytes) -> bool:
    """Whether a file (a path, or its bytes) is a video: by its first bytes, or the suffix of its path."""
    if isinstance(source, bytes):
        return _begins_like_a_clip(source[:_LOOK])
    path = Path(source)
    if path.suffix.lower() in CLIP_SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            return _begins_like_a_clip(file.read(_LOOK))
    except (OSError, ValueError):  # whoever reads it as a photo says why
        return False


def is_photo(path: Path) -> bool:
    """Whether a file is a picture, by its first bytes."""
    with path.open("rb") as file:
        head = file.read(16)
    coded = head[4:8] == b"ftyp" and head[8:12].startswith(_PICTURE_BRANDS)
    return coded or head.startswith(_PICTURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def _begins_like_a_clip(head: bytes) -> bool:
    movie = head[4:8] == b"ftyp" and not head[8:12].startswith(_PICTURE_BRANDS)
    avi = head[:4] == b"RIFF" and head[8:12] == b"AVI "
    packets = any(head[first::apart][:3] == b"GGG" for first, apart in _PACKETS)
    return movie or avi or packets or head[4:8] in _ATOMS or head.startswith(_BEGINNINGS)

"""Telling an avatar from other files by its first bytes, so that a wrong file gets a sentence that helps."""

from __future__ import annotations

from bithuman_core.errors import ModelLoadError

_PICTURES = {b"\xff\xd8\xff": "a JPEG picture", b"\x89PNG": "a PNG picture", b"GIF8": "a GIF picture", b"BM": "a BMP picture"}
_OTHERS = {b"PK\x03\x04": "a zip archive", b"\x1f\x8b": "a gzip archive", b"%PDF": "a PDF", b"RIFF": "an audio or WebP file",
           b"ID3": "an MP3 file", b"fLaC": "a FLAC file", b"OggS": "an Ogg file", b"glTF": "a 3D model"}  # fmt: skip


def is_commercial(head: bytes) -> bool:
    """Whether the first bytes (512 are enough) are those of an avatar of the commercial SDK: IMX 0x00, or a tar."""
    return head.startswith(b"IMX\0") or head[257:262] == b"ustar"


def refuse_foreign(name: str, head: bytes) -> None:
    """Raise ModelLoadError unless the first bytes (up to 512) may begin a safetensors file."""
    if not head:
        raise ModelLoadError(f"{name!r} is empty: get or build the avatar again.")
    if is_commercial(head):
        raise ModelLoadError(
            f"{name!r} is an avatar of the commercial bitHuman SDK, which only that SDK can open: "
            "build your own from the portrait (bithuman-core build portrait.jpg -o me.imx), or use one of the shipped avatars."
        )
    for magic, what in {**_PICTURES, **_OTHERS}.items():
        if head.startswith(magic):
            advice = "build an avatar from it (bithuman-core build)" if magic in _PICTURES else "give the path of an .imx file"
            raise ModelLoadError(f"{name!r} is {what}, not an avatar: {advice}.")
    # safetensors: 8 bytes of header length, then the header's opening brace
    if len(head) < 9 or head[8:9] != b"{":
        raise ModelLoadError(f"{name!r} is not an avatar: it does not begin like an .imx file.")

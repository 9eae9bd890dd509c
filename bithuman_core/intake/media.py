"""Opening sound and clips: in formats that are known, from an open file, so that nothing which they name is opened as well.

FFmpeg takes playlists for media: given a path, they read other files of the machine and wait for more without end.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import IO, cast

import av
from av.codec import Codec, codecs_available
from av.codec.codec import UnknownCodecError
from av.codec.context import Flags
from av.container import InputContainer
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext

SOUND_FORMATS = (
    "aac", "ac3", "aiff", "amr", "amrnb", "amrwb", "ape", "asf", "au", "avi", "caf", "eac3", "flac", "flv", "matroska", "mov",
    "mp3", "mpeg", "mpegts", "mp4", "ogg", "tta", "w64", "wav", "webm", "wv",
)  # fmt: skip
CLIP_FORMATS = (
    "mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "avi", "mpegts", "mpeg", "asf", "flv", "ogg",
)  # fmt: skip
CLIP_CODECS = (
    "av1", "dvvideo", "flv", "h263", "h264", "hevc", "libdav1d", "libvpx", "libvpx-vp9", "mjpeg", "mpeg1video", "mpeg2video",
    "mpeg4", "msmpeg4", "msmpeg4v2", "prores", "theora", "vc1", "vp6", "vp6f", "vp8", "vp9", "wmv1", "wmv2", "wmv3",
)  # fmt: skip
"""Decoders of what cameras and browsers record. FFmpeg's names, as those of the formats are."""


def open_sound(file: IO[bytes]) -> InputContainer:
    """The container of an open file of sound (or of a clip with sound), to be closed by the caller.

    Only decoders of sound run: cover pictures, however large, stay as they are. Raises FFmpeg's errors (``av.error``).
    """
    return _opened(file, SOUND_FORMATS, sound_codecs())


def open_clip(file: IO[bytes]) -> InputContainer:
    """The container of an open video file, to be closed by the caller. Raises FFmpeg's errors (``av.error``)."""
    return _opened(file, CLIP_FORMATS, CLIP_CODECS)


def h264_decoder() -> VideoCodecContext:
    """A decoder of the frames of an avatar's film, one packet in, one frame out, on the thread that calls it."""
    codec = av.CodecContext.create("h264", "r")
    codec.thread_count = 1
    codec.flags |= Flags.low_delay
    return codec


def can_be_decoded(stream: Stream) -> bool:
    """Whether a stream is coded in a way that is read here."""
    context = stream.codec_context
    if context is None:  # FFmpeg has no decoder of that name, whatever PyAV's types say
        return False
    return context.codec.name in (sound_codecs() if stream.type == "audio" else CLIP_CODECS)


@cache
def sound_codecs() -> frozenset[str]:
    """The names of all decoders of sound."""
    return frozenset(name for name in codecs_available if _decodes_sound(name))


def _decodes_sound(name: str) -> bool:
    try:
        return Codec(name, "r").type == "audio"
    except UnknownCodecError:  # it encodes only
        return False


def _opened(file: IO[bytes], formats: Iterable[str], codecs: Iterable[str]) -> InputContainer:
    options = {"format_whitelist": ",".join(formats), "codec_whitelist": ",".join(sorted(codecs)), "protocol_whitelist": ""}
    # tags of old programs are in any alphabet
    return cast(InputContainer, av.open(file, options=options, metadata_errors="ignore"))

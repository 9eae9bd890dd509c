"""Writing what is cut out: WebM (VP9) and MOV (ProRes 4444) with alpha, or a folder of PNG frames."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from bithuman_core.audio.file import BLOCK, SYNTHETIC_NOTE, Voice
from bithuman_core.errors import BackgroundError
from bithuman_core.files import replacing
from bithuman_core.timing import FPS
from bithuman_core.types import straight

Picture = NDArray[np.uint8]
Layer = tuple[Picture, Picture | None]
"""A frame BGR [h, w, 3], times its alpha [h, w]; None: it hides everything."""
NAME = "frame_{:05d}.png"
BLED = 8  # px: so far colours go on where nothing is seen; coding mixes those of neighbours
NO_ALPHA = "An MP4 cannot be transparent: give a name that ends in .webm (VP9) or .mov (ProRes 4444), or a folder (frames/)."


@dataclass(frozen=True)
class Coding:
    """How a container holds pictures (without and with alpha) and sound. FFmpeg's names and numbers (H.273)."""

    codec: str
    opaque: str
    clear: str
    options: dict[str, str]
    sound: str
    rate: int | None  # Hz that the sound needs
    matrix: int
    colours: Colorspace


CODINGS = {
    ".webm": Coding("libvpx-vp9", "yuv420p", "yuva420p", {"deadline": "good", "cpu-used": "4", "auto-alt-ref": "0", "b": "0"},
                    "libopus", 48_000, 6, Colorspace.SMPTE170M),
    ".mov": Coding("prores_ks", "yuv444p10le", "yuva444p10le", {"profile": "4444", "vendor": "apl0", "alpha_bits": "16"},
                   "pcm_s16le", None, 1, Colorspace.ITU709),
}  # fmt: skip


def can_be_clear(path: Path) -> bool:
    """Whether a video of this name can be transparent."""
    return path.suffix.lower() in CODINGS


def write_alpha_video(
    path: Path, layers: Iterable[Layer], audio: NDArray[Any] | Iterable[NDArray[Any]], rate: int, *, title: str = "",
    crf: int = 24,
) -> int:
    """Write frames with alpha and mono audio as WebM or MOV, by the name. Returns how many frames it holds.

    crf: constant rate factor of VP9, 0..63. The file appears under its name only when complete. Raises BackgroundError for
    another name, AudioError without audio, ValueError without frames.
    """
    coding = CODINGS.get(path.suffix.lower())
    if coding is None:
        raise BackgroundError(NO_ALPHA)
    voice = Voice((audio,) if isinstance(audio, np.ndarray) else audio, rate, coding.rate)
    waiting = iter(layers)
    first = next(waiting, None)
    if first is None:
        raise ValueError("A video needs at least one frame.")
    with replacing(path) as temporary, av.open(str(temporary), "w") as container:
        container.metadata.update({"comment": SYNTHETIC_NOTE, "title": title or path.stem, "encoded_by": "bithuman_core"})
        options = {**coding.options, "crf": str(crf)} if coding.codec == "libvpx-vp9" else coding.options
        video = cast(VideoStream, container.add_stream(coding.codec, rate=FPS, options=options))
        video.height, video.width = first[0].shape[:2]
        video.pix_fmt = coding.opaque if first[1] is None else coding.clear
        video.codec_context.colorspace, video.codec_context.color_range = coding.matrix, 1
        sound = cast(AudioStream, container.add_stream(coding.sound, rate=voice.rate, layout="mono"))
        return _fill(container, video, sound, coding, voice, chain([first], waiting))


def _fill(
    container: OutputContainer, video: VideoStream, sound: AudioStream, coding: Coding, voice: Voice, layers: Iterator[Layer]
) -> int:
    count = 0
    for count, (picture, alpha) in enumerate(layers, 1):
        given = picture if alpha is None else bled(straight(picture, alpha))
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(given), format="bgr24" if alpha is None else "bgra")
        frame = frame.reformat(format=video.pix_fmt, dst_colorspace=coding.colours)
        frame.pts, frame.time_base = count - 1, Fraction(1, FPS)
        container.mux(video.encode(frame))
        voice.encode(round(count * voice.rate / FPS), container, sound)
    while voice.encode(voice.written + BLOCK, container, sound):
        pass
    container.mux(video.encode(None))
    container.mux(sound.encode(None))
    return count


def bled(picture: Picture) -> Picture:
    """A picture with straight alpha, BGRA [h, w, 4], whose colours go on for some px where it is clear."""
    alpha = picture[..., 3:].astype(np.float32)
    height, width = alpha.shape[:2]
    small = -(-width // BLED), -(-height // BLED)
    weighted = np.ascontiguousarray(np.dstack([picture[..., :3] * (alpha / 255), alpha]).transpose(2, 0, 1), np.float32)
    *colours, cover = (np.asarray(Image.fromarray(plane).resize(small, Image.Resampling.HAMMING)) for plane in weighted)
    mean = np.stack([plane / np.maximum(cover / 255, 1e-3) for plane in colours], -1).clip(0, 255).astype(np.uint8)
    around = np.asarray(Image.fromarray(mean).resize((width, height), Image.Resampling.BILINEAR))
    out = picture.copy()
    clear = picture[..., 3] == 0
    out[clear, :3] = around[clear]
    return out


def write_frames(folder: Path, layers: Iterable[Layer]) -> int:
    """Write frames as PNG files ``frame_00000.png``, ... into a new folder; with alpha where they have one. Returns how many.

    The folder appears under its name only when complete. Raises ValueError without frames, FileExistsError for a folder that
    holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{str(folder)!r} holds something already: give a new folder for the frames.")
    temporary = folder.resolve().with_name(f".{secrets.token_hex(8)}")
    temporary.mkdir()
    try:
        count = 0
        for count, (picture, alpha) in enumerate(layers, 1):
            if alpha is None:
                image = Image.fromarray(np.ascontiguousarray(picture[..., ::-1]))
            else:
                image = Image.fromarray(straight(picture, alpha)[..., [2, 1, 0, 3]])
            image.save(temporary / NAME.format(count - 1), compress_level=3)
        if not count:
            raise ValueError("A video needs at least one frame.")
        temporary.replace(folder.resolve())
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return count

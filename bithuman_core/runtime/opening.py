"""``bithuman_core.open(path)``: an avatar in one line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.errors import AudioError, Failed, InvalidAvatar, ModelError, NotAuthorised, TokenError
from bithuman_core.runtime.synchronous import Bithuman
from bithuman_core.timing import FPS, SAMPLE_RATE


class Avatar:
    """An opened avatar; ``with`` closes it."""

    def __init__(self, runtime: Bithuman) -> None:
        self._runtime = runtime

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the frames in px."""
        return self._runtime.get_frame_size()

    def render(
        self, audio: NDArray[Any] | str | Path, out_mp4: str | Path | None = None, *, sample_rate: int = SAMPLE_RATE
    ) -> Iterator[NDArray[np.uint8]]:
        """Every frame of a clip, RGB uint8 [h, w, 3], 25 a second of sound; with ``out_mp4`` the video is written instead.

        audio: an audio file, or samples at ``sample_rate`` Hz. Raises Failed where the sound cannot be used, and where the video
        would be written over it or under a name of another format.
        """
        frames = self._frames(audio, sample_rate)
        if out_mp4 is None:
            return frames
        self._write(audio, sample_rate, frames, Path(out_mp4))
        return iter(())

    def _frames(self, audio: NDArray[Any] | str | Path, sample_rate: int) -> Iterator[NDArray[np.uint8]]:
        try:
            for frame in self._runtime.compose(audio, sample_rate=sample_rate):
                yield frame.bgr[:, :, ::-1]
        except AudioError as error:
            raise Failed(error.message) from error

    def _write(
        self, audio: NDArray[Any] | str | Path, sample_rate: int, frames: Iterator[NDArray[np.uint8]], path: Path
    ) -> None:
        from bithuman_core.audio import AudioFile, write_video
        from bithuman_core.audio.file import video_format
        from bithuman_core.pcm import mono_int16

        try:
            video_format(path)
        except ValueError as error:
            raise Failed(str(error)) from error
        if isinstance(audio, str | Path) and path.exists() and Path(audio).exists() and path.samefile(audio):
            raise Failed(f"{str(path)!r} is the sound that is read: give the video a name of its own.")
        try:
            if isinstance(audio, str | Path):
                file = AudioFile(audio)
                write_video(path, frames, file.blocks(), file.rate, fps=FPS, pixel_format="rgb24")
            else:
                write_video(path, frames, mono_int16(audio), sample_rate, fps=FPS, pixel_format="rgb24")
        except AudioError as error:
            raise Failed(error.message) from error

    def close(self) -> None:
        """Free everything. Calling it again does nothing."""
        self._runtime.cleanup()

    def __enter__(self) -> Avatar:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def open(path: str | Path, *, api_secret: str | None = None, output_size: int | tuple[int, int] | None = None) -> Avatar:
    """Open an avatar file.

    Raises InvalidAvatar where it is none, NotAuthorised where a token server of your own says no.
    """
    try:
        return Avatar(Bithuman.create(model_path=path, api_secret=api_secret, output_size=output_size))
    except ModelError as error:
        raise InvalidAvatar(error.message) from error
    except TokenError as error:
        raise NotAuthorised(error.message) from error

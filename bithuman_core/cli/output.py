"""Looking at an output before work begins: can it be written, and is it nothing that is read?"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import typer
from PIL import Image

from bithuman_core.settings import settings

CLEAR = (".png", ".webp")  # pictures with alpha
NEW = "frames"


def check_output(output: Path, *inputs: Path | None) -> None:
    """Raises BadParameter for an output that cannot be written, or that is one of the inputs."""
    try:
        if output.is_dir():
            raise typer.BadParameter(f"{str(output)!r} is a folder: give the name of a file in it")
        target = output.resolve() if output.is_symlink() else output
        if not target.parent.is_dir():
            raise typer.BadParameter(f"the folder {str(target.parent)!r} does not exist: make it first")
        with suppress(FileNotFoundError):
            output.lstat()  # a name that there cannot be is known now
        if any(given and given.is_file() and output.exists() and output.samefile(given) for given in inputs):
            raise typer.BadParameter(f"{str(output)!r} is read by this command: give the output a name of its own")
        replaced = output.is_file() or not output.exists()
        if not os.access(target.parent if replaced else output, os.W_OK):
            raise typer.BadParameter(f"{str(output)!r} cannot be written: choose a folder of your own")
    except (OSError, ValueError) as error:  # a name that is too long, or holds a null character
        reason = error.strerror if isinstance(error, OSError) else error
        raise typer.BadParameter(f"{str(output)!r} cannot be written ({reason}): choose another name") from error


def check_video(output: Path, *inputs: Path | None) -> None:
    """As :func:`check_output`, for a video."""
    from bithuman_core.audio.file import video_format  # brings FFmpeg in

    check_output(output, *inputs)
    try:
        video_format(output)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def check_movie(output: str, clear: bool, *inputs: Path | None) -> None:
    """As :func:`check_output`, for what ``render`` writes: a video, or (ending in a slash) a folder of frames.

    clear: with alpha."""
    from bithuman_core.audio.alpha_video import NO_ALPHA, can_be_clear  # brings FFmpeg in

    path = Path(output)
    if is_folder(output):
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise typer.BadParameter(f"{output!r} holds something already: give a new folder for the frames")
        check_output(path.resolve().parent / NEW, *inputs)
    elif can_be_clear(path):
        check_output(path, *inputs)
    elif clear:
        raise typer.BadParameter(NO_ALPHA, param_hint="--output")
    else:
        check_video(path, *inputs)


def is_folder(output: str) -> bool:
    """Whether a folder is meant."""
    return output.endswith(("/", os.sep))


def check_picture(output: Path, *inputs: Path | None, clear: bool = False) -> None:
    """As :func:`check_output`, for a picture. clear: with alpha."""
    check_output(output, *inputs)
    if clear and output.suffix.lower() not in CLEAR:
        raise typer.BadParameter(f"{output.name!r} cannot be transparent: give a name that ends in {' or '.join(CLEAR)}")
    if Image.registered_extensions().get(output.suffix.lower()) not in Image.SAVE:
        raise typer.BadParameter(f"{output.name!r} says no kind of picture that can be written: give a name that ends in .png")


def wanted_size(own: tuple[int, int], size: int | None) -> tuple[int, int]:
    """Width and height of the frames in px: --size, else OUTPUT_WIDTH, else the avatar's own. Raises BadParameter."""
    from bithuman_core.render.scale import output_size  # brings the renderers in

    try:
        return output_size(own, settings().OUTPUT_WIDTH if size is None else size)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--size") from error


def least_side(size: int | None) -> int:
    """The longest side of the frames that is asked for, px; 0 where none is."""
    return max(0, settings().OUTPUT_WIDTH if size is None else size)

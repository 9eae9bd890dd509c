"""What the commands share: the application, its console, arguments, checks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from bithuman_core import __version__
from bithuman_core.background import Background
from bithuman_core.errors import BackgroundError, BithumanError
from bithuman_core.settings import find_avatar

HELP = "Lifelike talking avatars on your own machine."
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=HELP)
console = Console(stderr=True)


def _found(named: Path | None) -> Path | None:
    return None if named is None else find_avatar(named)


AvatarArgument = Annotated[
    Path, typer.Argument(metavar="AVATAR.imx", help="The avatar file, or the name of a shipped one.", callback=_found)
]
DefaultAvatar = Annotated[
    Path | None,
    typer.Argument(metavar="[AVATAR.imx]", help="The avatar file, or the name of a shipped one (Mara).", callback=_found),
]
AvatarOption = Annotated[Path | None, typer.Option(metavar="AVATAR.imx", help="Whose lips are measured (Mara).", callback=_found)]
WhoSpeaks = Annotated[
    Path | None,
    typer.Option("--avatar", metavar="AVATAR.imx", help="Who speaks: a file, or a shipped one (Mara on film).", callback=_found),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SizeOption = Annotated[
    int | None, typer.Option("--size", "--target-size", metavar="PX", help="Longest side of the frames (the avatar's own).")
]


BackgroundOption = Annotated[
    str | None,
    typer.Option(metavar="BACKGROUND", help="What it stands before: photo (its own), blur, transparent, #rrggbb, or a picture."),
]


def chosen(background: str | None) -> Background | None:
    """What --background names. Raises BadParameter."""
    if background is None:
        return None
    try:
        return Background.of(background)
    except BackgroundError as error:
        raise typer.BadParameter(error.message, param_hint="--background") from error


class Unreachable(BithumanError):
    """The running page that a command is meant for does not answer."""

    default_code = "UNREACHABLE"


def say(text: str, label: str = "", style: str = "") -> None:
    """One line on the console, to the letter (brackets are no markup), after a label in its style."""
    line = Text(text.encode(errors="backslashreplace").decode())
    if label:
        line = Text.assemble((label, style), " ", line)
    console.print(line, soft_wrap=True)


def _say_version(wanted: bool) -> None:
    if wanted:
        print(f"bithuman-core {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_say_version, is_eager=True)] = False,
) -> None:
    """What every command takes."""


def load_rig(avatar: Path, at_least: int = 0) -> Any:
    """The rig of an avatar file, for frames of at least this side in px where the avatar has them."""
    from bithuman_core.engine import frame_side
    from bithuman_core.imx import read_imx
    from bithuman_core.render import any_rig

    file = read_imx(avatar)
    return any_rig(file, frame_side(file, at_least))


def with_progress(frames: Iterator[Any], total: int, what: str) -> Iterator[Any]:
    """The same frames, with a progress bar on the console."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        yield from progress.track(frames, total=total)

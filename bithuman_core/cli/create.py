"""``build``: an avatar from one photo or short clip."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from bithuman_core.background.stored import NOT_CLEAR
from bithuman_core.cli.common import BackgroundOption, app, chosen, console, say
from bithuman_core.cli.output import check_output, check_picture, check_video
from bithuman_core.files import replacing


@app.command()
def build(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="One portrait (JPEG, PNG, HEIC), or a clip of you (MP4, MOV).")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.imx", help="The avatar file to write.")],
    consent: Annotated[str | None, typer.Option(help="Who agreed to this avatar and how; stored in the file. Asked for.")] = None,
    name: Annotated[str | None, typer.Option(help="The avatar's name (the file's name).")] = None,
    face: Annotated[int | None, typer.Option(metavar="N", help="Which face, where there are several: 1 is the largest.")] = None,
    aspect: Annotated[str, typer.Option(help="Width to height of the frames: 1:1, 9:16 or 16:9.")] = "1:1",
    kind: Annotated[
        str | None, typer.Option(help="Of a clip: footage (its film, with a new mouth) or photo (one picture of it); what fits.")
    ] = None,
    side: Annotated[int, typer.Option(metavar="PX", help="Shorter side of the frames of footage: 512 or 720.")] = 512,
    preview: Annotated[Path | None, typer.Option(metavar="OUT.mp4", help="Also let it speak for five seconds.")] = None,
    audio: Annotated[Path | None, typer.Option("--audio", "-a", metavar="AUDIO", help="What it says in the preview.")] = None,
    sheet: Annotated[Path | None, typer.Option(metavar="OUT.png", help="Also write its poses as one picture.")] = None,
    background: BackgroundOption = None,
    persona: Annotated[str, typer.Option(metavar="TEXT", help="Who it is where it answers, in plain words.")] = "",
) -> None:
    """Make an avatar from one photo or short clip, on this machine."""
    from bithuman_core.heap import share_one_heap

    share_one_heap()  # its two threads hold large pictures one after the other: 40 MiB less
    from bithuman_core.build import build_avatar

    check_output(output, photo, audio)
    if preview:
        check_video(preview, photo, audio, output)
    if sheet:
        check_picture(sheet, photo, audio, output)
    if len({path.resolve() for path in (output, preview, sheet) if path}) < sum(map(bool, (output, preview, sheet))):
        raise typer.BadParameter("avatar, preview and sheet are three files: give each a name of its own")
    behind = chosen(background)
    if behind is not None and not behind.opaque:
        raise typer.BadParameter(NOT_CLEAR, param_hint="--background")
    columns = (TextColumn("{task.description:28s}"), BarColumn(), TaskProgressColumn())
    agreed = consent if consent is not None else _ask_consent()
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("starting", total=1.0)
        report = build_avatar(
            photo, output, consent=agreed, name=name, face=face, aspect=aspect, kind=kind, side=side, background=behind,
            persona=persona, progress=lambda stage, share: progress.update(task, description=stage, completed=share),
        )  # fmt: skip
    for note in report.notes:
        say(note, "note", "yellow")
    if sheet:
        from bithuman_core.build.preview import contact_sheet  # brings the engine along

        with replacing(sheet) as temporary:
            contact_sheet(output).save(temporary)
    if preview:
        from bithuman_core.build.preview import speak

        speak(output, preview, audio)
    say(f"{output}: {report.name}, {report.kind}, {report.size / 1e6:.1f} MB")


def _ask_consent() -> str:
    if not sys.stdin.isatty():
        raise typer.BadParameter('say who agreed to this avatar: --consent "I am the person in the photo"')
    return typer.prompt("An avatar lets this person say anything. Who agreed to it, and how", err=True)

"""The command line: ``bithuman-core`` (also ``python -m bithuman_core``)."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from bithuman_core.errors import BithumanError, ModelError, NotAuthorised, TokenError, TokenRequestError
from bithuman_core.face import FaceState
from bithuman_core.files import replacing
from bithuman_core.motion_export import RATES, MotionFormat, at_rate, write
from bithuman_core.settings import models_dir
from bithuman_core.timing import FPS, SAMPLE_RATE, SAMPLES_PER_TICK

EXIT_INVALID_AVATAR, EXIT_UNREACHABLE, EXIT_FAILED, EXIT_NOT_AUTHORISED = 66, 69, 70, 77

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
console = Console(stderr=True)

AvatarArgument = Annotated[Path, typer.Argument(metavar="AVATAR.imx", help="The avatar file.")]
AudioOption = Annotated[Path, typer.Option("--audio", "-a", metavar="AUDIO", help="Any audio file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SizeOption = Annotated[int | None, typer.Option("--size", metavar="PX", help="Side of the frames: the avatar's own or twice it.")]


@app.command()
def render(
    avatar: AvatarArgument,
    audio: AudioOption,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.mp4", help="The video to write (H.264 + AAC).")],
    seed: Annotated[int, typer.Option(help="Seed of the idle motion.")] = 0,
    size: SizeOption = None,
) -> None:
    """Let the avatar speak an audio file: writes a video."""
    from bithuman_core.audio import float32_to_int16, load_audio, resample, write_video
    from bithuman_core.engine import Fixture, render_clip

    sound, rate = load_audio(audio)
    samples = float32_to_int16(resample(sound, rate, SAMPLE_RATE))
    with _sizes_refused():
        fixture = Fixture.load(avatar, side=size)
    total = math.ceil(samples.size / SAMPLES_PER_TICK)
    frames = (tick.frame for tick in render_clip(fixture, samples, seed))
    _check_folder(output)
    write_video(output, _with_progress(frames, total, "rendering"), sound, rate, title=fixture.manifest.name)
    console.print(f"{output}: {total} frames, {total / FPS:.1f} s")


@app.command()
def build(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="One portrait: JPEG, PNG, WebP, TIFF.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.imx", help="The avatar file to write.")],
    consent: Annotated[str | None, typer.Option(help="Who agreed to this avatar and how; stored in the file. Asked for.")] = None,
    name: Annotated[str | None, typer.Option(help="The avatar's name (the photo's file name).")] = None,
    face: Annotated[int | None, typer.Option(metavar="N", help="Which face, where there are several: 1 is the largest.")] = None,
    aspect: Annotated[str, typer.Option(help="Width to height of the frames: 1:1.")] = "1:1",
    preview: Annotated[Path | None, typer.Option(metavar="OUT.mp4", help="Also let it speak for five seconds.")] = None,
    audio: Annotated[Path | None, typer.Option("--audio", "-a", metavar="AUDIO", help="What it says in the preview.")] = None,
    sheet: Annotated[Path | None, typer.Option(metavar="OUT.png", help="Also write its poses as one picture.")] = None,
) -> None:
    """Make an avatar from one photo, on this machine."""
    from bithuman_core.build import build_avatar
    from bithuman_core.build.preview import contact_sheet, speak

    for path in (output, preview, sheet):
        if path:
            _check_folder(path)
    columns = (TextColumn("{task.description:28s}"), BarColumn(), TaskProgressColumn())
    agreed = consent if consent is not None else _ask_consent()
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("starting", total=1.0)
        report = build_avatar(
            photo, output, consent=agreed, name=name, face=face, aspect=aspect,
            progress=lambda stage, share: progress.update(task, description=stage, completed=share),
        )  # fmt: skip
    for note in report.notes:
        console.print(f"[yellow]note[/yellow] {note}", highlight=False)
    if sheet:
        with replacing(sheet) as temporary:
            contact_sheet(output).save(temporary)
    if preview:
        speak(output, preview, audio)
    console.print(f"{output}: {report.name}, {report.size / 1e6:.1f} MB", highlight=False)


def _ask_consent() -> str:
    if not sys.stdin.isatty():
        raise typer.BadParameter('say who agreed to this avatar: --consent "I am the person in the photo"')
    return typer.prompt("An avatar lets this person say anything. Who agreed to it, and how", err=True)


@app.command()
def motion(
    audio: Annotated[Path, typer.Argument(metavar="AUDIO", help="Any audio file.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="The file to write.")],
    avatar: Annotated[Path | None, typer.Option(metavar="AVATAR.imx", help="Whose lips are measured (Mara).")] = None,
    form: Annotated[
        MotionFormat, typer.Option("--format", "-f", help="A table, one as Live Link Face records it, JSON, or viseme cues.")
    ] = MotionFormat.CSV,
    fps: Annotated[int, typer.Option(help="Frames a second: 25, 30 or 60.")] = FPS,
    style: Annotated[float, typer.Option(min=0.5, max=1.5, help="How clearly the mouth articulates.")] = 1.0,
) -> None:
    """Write the speech motion of an audio file for animation tools (no idle motion)."""
    from bithuman_core.audio import AudioFile
    from bithuman_core.speech import SpeechNet
    from bithuman_core.speech_motion import speech_motion

    if fps not in RATES:
        raise typer.BadParameter(f"--fps is {fps}; give one of {', '.join(map(str, RATES))}")
    sound, rig = AudioFile(audio), _load_rig(avatar or models_dir() / "mara.imx")
    _check_folder(output)
    moments = speech_motion(SpeechNet.load(), sound.ticks(), rig.measure, style)
    moments = _with_progress(moments, math.ceil(sound.seconds * FPS), "listening")
    with replacing(output) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        write(at_rate(moments, fps), file, form, fps)


@app.command()
def still(
    avatar: AvatarArgument,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="OUT.png", help="The picture to write.")] = None,
    values: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A coefficient or head angle.")] = None,
    batch: Annotated[Path | None, typer.Option(metavar="FRAMES.json", help="Poses, as in a bake's truth.json.")] = None,
    folder: Annotated[Path | None, typer.Option("--dir", "-d", metavar="DIR", help="Where the pictures of --batch go.")] = None,
    size: SizeOption = None,
) -> None:
    """Render single poses over the avatar's background."""
    from bithuman_core.render import PortraitRenderer

    if (output is None) == (batch is None) or (batch is None) != (folder is None):
        raise typer.BadParameter("give either -o OUT.png (with --set), or --batch FRAMES.json with -d DIR")
    poses = {output: _face_from_arguments(values or [])} if output else _faces_from_batch(batch, folder)  # type: ignore[arg-type]
    with _sizes_refused():
        renderer = PortraitRenderer(_load_rig(avatar, size))
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    for path, face in poses.items():
        _check_folder(path)
        with replacing(path) as temporary:
            Image.fromarray(renderer.render(face)[:, :, ::-1]).save(temporary)


def _face_from_arguments(values: list[str]) -> FaceState:
    named: dict[str, float] = {}
    for text in values:
        name, _, number = text.partition("=")
        try:
            named[name.strip()] = float(number)
        except ValueError as error:
            raise typer.BadParameter(f"{text!r} is not NAME=VALUE, for example jawOpen=.4") from error
    return _face(named, "--set")


def _face(named: dict[str, float], where: str) -> FaceState:
    try:
        face = FaceState.from_mapping(named)
    except (KeyError, TypeError) as error:
        raise typer.BadParameter(f"{where} names {error}, which is no ARKit coefficient or head value") from error
    if not np.isfinite(face.values).all():
        raise typer.BadParameter(f"{where} holds a value that is not a finite number")
    return face


def _faces_from_batch(batch: Path, folder: Path) -> dict[Path, FaceState]:
    try:
        frames = json.loads(batch.read_text())["frames"]
        angles = {"yaw": "headYaw", "pitch": "headPitch", "roll": "headRoll"}
        return {
            folder / f"{Path(frame['file']).stem}.png": _face(
                {**frame["coefficients"], **{angles[name]: angle for name, angle in frame.get("head", {}).items()}}, batch.name
            )
            for frame in frames
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise typer.BadParameter(f"{batch} is not a list of poses like a bake's truth.json ({error!r})") from error


@app.command()
def info(avatar: AvatarArgument, as_json: JsonOption = False) -> None:
    """Say what an avatar file is and holds."""
    from bithuman_core.imx import read_imx

    file = read_imx(avatar)
    manifest = file.manifest
    facts = {
        "name": manifest.name,
        "kind": manifest.kind,
        "version": manifest.version,
        "canvas": list(manifest.canvas),
        "file_bytes": avatar.stat().st_size,
        "coefficients": len(manifest.coefficients),
        "gestures": sorted(manifest.gestures),
        "limits": {name: list(pair) for name, pair in manifest.limits.items()},
        "arrays": {name: f"{a.dtype} {list(a.shape)}" for name, a in file.arrays.items()},
        "provenance": manifest.provenance,
        "sha256": manifest.sha256,
    }
    if as_json:
        print(json.dumps(facts, indent=1))
        return
    for key, value in facts.items():
        if isinstance(value, dict):
            print(f"{key}:")
            for name, entry in value.items():
                print(f"    {name}: {entry}")
        else:
            print(f"{key}: {value}")


@app.command()
def validate(
    avatar: Annotated[Path | None, typer.Argument(metavar="[AVATAR.imx]", help="The avatar file (the default one).")] = None,
) -> None:
    """Say in one line where you stand: this machine alone or a token server, the secret, the avatar file."""
    from bithuman_core.controls import open_access
    from bithuman_core.settings import default_avatar

    access = open_access(None, None, None)
    where = "this machine alone, no secret needed" if access is None else f"{access.server}, the secret is valid"
    if access is not None:
        access.close()
    path = avatar or default_avatar()
    _load_rig(path)
    print(f"ok: {where}; {path.name} is a sound avatar")


@app.command()
def bench(
    avatar: Annotated[Path | None, typer.Argument(metavar="[AVATAR.imx]", help="The avatar file (Mara).")] = None,
    as_json: JsonOption = False,
    seconds: Annotated[float, typer.Option(help="How much speech to render.", min=1.0)] = 20.0,
) -> None:
    """Measure this machine: CPU time of a tick and of its stages, start-up, memory."""
    from bithuman_core.bench import measure

    figures = measure(avatar or models_dir() / "mara.imx", seconds)
    if as_json:
        print(json.dumps(figures, indent=1))
        return
    for key, value in figures.items():
        entries = value.items() if isinstance(value, dict) else [("", value)]
        for name, number in entries:
            print(f"{key + (' ' + name if name else ''):24s}{number:10.2f}")


def _load_rig(avatar: Path, side: int | None = None) -> Any:
    from bithuman_core.imx import read_imx
    from bithuman_core.render import PortraitRig

    return PortraitRig.from_imx(read_imx(avatar), side)


@contextmanager
def _sizes_refused() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise typer.BadParameter(f"--size: {error}") from error


def _check_folder(output: Path) -> None:
    if not output.parent.is_dir():
        raise typer.BadParameter(f"the folder {str(output.parent)!r} does not exist: make it first")


def _with_progress(frames: Iterator[Any], total: int, what: str) -> Iterator[Any]:
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        yield from progress.track(frames, total=total)


def main() -> None:
    """Run the command line.

    Exit codes: 0 done, 2 wrong usage, 66 invalid avatar, 69 token server unreachable, 70 failed, 77 not authorised.
    """
    try:
        app()
    except BithumanError as error:
        console.print(f"[red]error[/red] {error.message}", highlight=False)
        sys.exit(_exit_code(error))
    except OSError as error:
        console.print(f"[red]error[/red] {error}", highlight=False)
        sys.exit(EXIT_FAILED)


def _exit_code(error: BithumanError) -> int:
    if isinstance(error, ModelError):
        return EXIT_INVALID_AVATAR
    if isinstance(error, TokenRequestError):
        return EXIT_UNREACHABLE
    return EXIT_NOT_AUTHORISED if isinstance(error, TokenError | NotAuthorised) else EXIT_FAILED

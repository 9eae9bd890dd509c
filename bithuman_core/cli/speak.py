"""``render`` and ``motion``: what a clip of speech makes of a face."""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import Enum
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from bithuman_core.cli.common import (
    AvatarArgument,
    AvatarOption,
    BackgroundOption,
    SizeOption,
    app,
    chosen,
    load_rig,
    say,
    with_progress,
)
from bithuman_core.cli.output import check_movie, check_output, is_folder, least_side, wanted_size
from bithuman_core.files import replacing
from bithuman_core.motion.export import RATES, MotionFormat, at_rate, write
from bithuman_core.motion.take.frames import Mouth
from bithuman_core.settings import models_dir
from bithuman_core.timing import FPS, SAMPLE_RATE, SAMPLES_PER_TICK

if TYPE_CHECKING:
    from bithuman_core.audio.alpha_video import Layer


class Quality(str, Enum):
    """How closely the video keeps to the frames."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


CRF = {Quality.LOW: 26, Quality.MEDIUM: 17, Quality.HIGH: 12}  # constant rate factor of H.264
VP9_CRF = {Quality.LOW: 36, Quality.MEDIUM: 24, Quality.HIGH: 14}  # the same of VP9


@app.command("generate", hidden=True)  # its older name
@app.command()
def render(
    avatar: AvatarArgument,
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="OUT.mp4", help="A video (.mp4, .webm, .mov), or a folder of PNG (out/)."),
    ],
    audio: Annotated[Path | None, typer.Option("--audio", "-a", metavar="AUDIO", help="Any audio file.")] = None,
    motion: Annotated[
        Path | None,
        typer.Option("--motion", "-m", metavar="TAKE", help="Recorded motion: of Live Link Face (CSV), or what `motion` writes."),
    ] = None,
    mouth: Annotated[Mouth, typer.Option(help="What moves the mouth where there are a take and a sound.")] = Mouth.TAKE,
    motion_fps: Annotated[
        float | None, typer.Option(metavar="FPS", help="Frames a second of the take, where it does not say it (or is 59.94).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the idle motion.")] = 0,
    size: SizeOption = None,
    quality: Annotated[Quality, typer.Option(help="How closely the video keeps to the frames.")] = Quality.MEDIUM,
    background: BackgroundOption = None,
) -> None:
    """Let the avatar speak an audio file, do a recorded motion, or both: writes a video."""
    from bithuman_core.audio import AudioFile
    from bithuman_core.engine import Fixture, render_ticks
    from bithuman_core.motion.take import read_take
    from bithuman_core.render.scale import scaled_layer

    if audio is None and motion is None:
        raise typer.BadParameter("give a sound (--audio), a take (--motion), or both")
    behind = chosen(background)
    clear = behind is not None and not behind.opaque
    check_movie(output, clear, audio, avatar, motion)
    take = read_take(motion, motion_fps) if motion else None
    if take is not None and audio and mouth is Mouth.SPEECH:
        take = take.without_mouth()
    sound = AudioFile(audio) if audio else None
    fixture = Fixture(avatar, at_least=least_side(size))
    wanted = wanted_size(fixture.rig.size, size)
    ticks = sound.ticks() if sound else iter(())
    made = render_ticks(fixture, ticks, seed, take.frames() if take else (), behind)
    frames = (scaled_layer(tick.frame, tick.alpha, wanted) for tick in made)
    seconds = max(sound.seconds if sound else 0.0, take.seconds if take else 0.0)
    frames = with_progress(frames, math.ceil(seconds * FPS), "rendering")
    blocks, rate = (sound.blocks(), sound.rate) if sound else (silence(len(take or ())), SAMPLE_RATE)
    count = _write(output, frames, clear, blocks, rate, fixture.manifest.name, quality)
    say(f"{output}: {count} frames, {count / FPS:.1f} s")


def _write(
    output: str, layers: Iterator[Layer], clear: bool, blocks: Iterator[NDArray[Any]], rate: int, title: str, quality: Quality
) -> int:
    """Write frames and sound in the form that the output's name says. Returns how many frames there are."""
    from bithuman_core.audio import write_video
    from bithuman_core.audio.alpha_video import write_alpha_video, write_frames

    path = Path(output)
    if is_folder(output):
        return write_frames(path, layers)
    if clear or path.suffix.lower() == ".webm":
        return write_alpha_video(path, layers, blocks, rate, title=title, crf=VP9_CRF[quality])
    return write_video(path, (picture for picture, _ in layers), blocks, rate, title=title, crf=CRF[quality])


def silence(ticks: int) -> Iterator[NDArray[np.int16]]:
    """So many ticks without a sound, int16 [640] each."""
    return repeat(np.zeros(SAMPLES_PER_TICK, np.int16), ticks)


@app.command()
def motion(
    audio: Annotated[Path, typer.Argument(metavar="AUDIO", help="Any audio file.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="The file to write.")],
    avatar: AvatarOption = None,
    form: Annotated[
        MotionFormat, typer.Option("--format", "-f", help="A table, one as Live Link Face records it, JSON, or viseme cues.")
    ] = MotionFormat.CSV,
    fps: Annotated[int, typer.Option(help="Frames a second: 25, 30 or 60.")] = FPS,
    style: Annotated[float, typer.Option(min=0.5, max=1.5, help="How clearly the mouth articulates.")] = 1.0,
) -> None:
    """Write the speech motion of an audio file for animation tools (no idle motion)."""
    from bithuman_core.audio import AudioFile
    from bithuman_core.motion.recording import speech_motion
    from bithuman_core.speech import SpeechNet

    if fps not in RATES:
        raise typer.BadParameter(f"--fps is {fps}; give one of {', '.join(map(str, RATES))}")
    check_output(output, audio, avatar)
    sound, rig = AudioFile(audio), load_rig(avatar or models_dir() / "mara.imx")
    moments = speech_motion(SpeechNet.load(), sound.ticks(), rig.measure, style)
    moments = with_progress(moments, math.ceil(sound.seconds * FPS), "listening")
    with replacing(output) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        write(at_rate(moments, fps), file, form, fps)

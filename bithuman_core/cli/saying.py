"""``say``: an avatar speaks a text."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Annotated

import typer

from bithuman_core.cli.common import SizeOption, WhoSpeaks, app, say, with_progress
from bithuman_core.cli.output import check_video, least_side, wanted_size
from bithuman_core.cli.speak import CRF, Quality
from bithuman_core.settings import models_dir
from bithuman_core.timing import FPS, SAMPLE_RATE

DEFAULT_AVATAR = "mara_film.imx"
LONGEST_TEXT = 100_000  # characters: some two hours


@app.command("say")
def say_text(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What it says; - reads it from standard input.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.mp4", help="The video to write (H.264 + AAC).")],
    avatar: WhoSpeaks = None,
    voice: Annotated[str, typer.Option(help="A voice by name (heart) or language (fr); the first one otherwise.")] = "",
    timbre: Annotated[str, typer.Option(help="woman or man, where a voice comes in both.")] = "woman",
    seed: Annotated[int, typer.Option(help="Seed of the idle motion.")] = 0,
    size: SizeOption = None,
    quality: Annotated[Quality, typer.Option(help="How closely the video keeps to the frames.")] = Quality.MEDIUM,
) -> None:
    """Let an avatar say a text: writes a video. Nothing leaves this machine, unless BITHUMAN_TTS_URL names a voice elsewhere."""
    from bithuman_core.audio import write_video
    from bithuman_core.engine import Fixture, cut_into_ticks, render_ticks
    from bithuman_core.render.scale import scaled
    from bithuman_core.voice import text_to_speech

    check_video(output, None, avatar)
    words = sys.stdin.read(LONGEST_TEXT + 1) if text == "-" else text
    if len(words) > LONGEST_TEXT:
        raise typer.BadParameter(f"the text is longer than the {LONGEST_TEXT} characters that are spoken at a time: split it")
    speech = text_to_speech()
    speech.look()
    sound = speech.speak(words, voice, timbre)
    fixture = Fixture(avatar or models_dir() / DEFAULT_AVATAR, at_least=least_side(size))
    wanted = wanted_size(fixture.rig.size, size)
    frames = (scaled(tick.frame, wanted) for tick in render_ticks(fixture, cut_into_ticks(sound), seed))
    frames = with_progress(frames, math.ceil(sound.size / SAMPLE_RATE * FPS), "rendering")
    count = write_video(output, frames, sound, SAMPLE_RATE, title=fixture.manifest.name, crf=CRF[quality])
    say(f"{output}: {count} frames, {count / FPS:.1f} s")

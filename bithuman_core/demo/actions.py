"""What the page and the endpoints do alike: make clips, videos and avatars."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bithuman_core.demo.context import DemoContext
from bithuman_core.demo.gallery import Avatar
from bithuman_core.demo.jobs import Report
from bithuman_core.demo.limits import MIB
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.render_video import render_video
from bithuman_core.demo.sound import read_clip
from bithuman_core.errors import BuildError, SeveralFacesError
from bithuman_core.fastrtc.avatar_engine import AvatarState
from bithuman_core.fastrtc.clip_queue import Clip

TITLE = 40  # characters of a text that become its clip's name
MAX_NAME = 40
NO_PHOTOS = "This server makes no avatars from photos: its host can install bithuman-core[build]."
NO_CONSENT = "Tick the box first: an avatar is made only of a person who agrees to it."


def check_size(path: Path, limit: int) -> Path:
    """The file. Raises Refusal where it is empty or over ``limit`` bytes."""
    size = path.stat().st_size
    if not size:
        raise Refusal(400, "That file is empty: choose another one.")
    if size > limit:
        raise Refusal(413, f"That file is larger than the {limit // MIB} MiB that are taken here: choose a smaller one.")
    return path


def clean_name(name: str, default: str) -> str:
    """A name without folders and oddities, 40 characters at most."""
    clean = re.sub(r"[^\w .()-]", "_", name.replace("\\", "/").rsplit("/", 1)[-1]).strip(" .")
    return clean[:MAX_NAME].strip(" .") or default


async def clip_of_file(context: DemoContext, path: Path) -> Clip:
    """The clip of a sound file. Raises Refusal or AudioError."""
    check_size(path, context.limits.audio_bytes)
    return await context.jobs.check(partial(read_clip, path, context.limits.audio_seconds))


async def clip_of_text(context: DemoContext, text: str, voice: str, timbre: str) -> Clip:
    """The clip of a text. Raises Refusal or AudioError."""
    words = " ".join(text.split())
    if not words:
        raise Refusal(422, "There is nothing to say yet: write some words.")
    if len(words) > context.limits.text:
        raise Refusal(422, f"That text has {len(words)} characters, and {context.limits.text} are spoken at a time: shorten it.")
    return Clip(secrets.token_urlsafe(8), words[:TITLE].strip(), await context.speech.speak(words, voice, timbre))


async def make_video(
    context: DemoContext, state: AvatarState, clip: Clip, folder: Path, report: Report, gone: Callable[[], bool] = lambda: False
) -> Path:
    """The MP4 of a clip in ``folder``, named after the avatar and what it says."""
    avatar = clean_name(state.fixture.manifest.name, "avatar")
    path = folder / f"{avatar} - {clean_name(Path(clip.name).stem, 'speech')}.mp4"
    await context.jobs.run(lambda tell: render_video(path, state.copy(), clip, tell), report, gone)
    return path


async def make_avatar(
    context: DemoContext,
    photo: Path,
    name: str,
    consent: str,
    folder: Path,
    report: Report,
    gone: Callable[[], bool] = lambda: False,
    face: int | None = None,
) -> tuple[Path, Sequence[str]]:
    """The ``.imx`` file of a photo or clip in ``folder``, and sentences about what the photo lacks.

    ``face``: which one, 1 the largest. Raises Refusal, or SeveralFacesError where there are several and none was chosen.
    """
    build = context.build
    if build is None:
        raise Refusal(501, NO_PHOTOS)
    check_size(photo, context.limits.photo_bytes)
    title = clean_name(name, clean_name(photo.stem, "Me"))
    path = folder / f"{title}.imx"
    try:
        notes = await context.jobs.run(lambda tell: build(photo, path, title, consent, face, tell), report, gone)
    except SeveralFacesError:
        raise
    except BuildError as error:
        raise Refusal(422, sentence(error.message.replace(str(photo), photo.name))) from error
    return path, [sentence(note) for note in notes]


async def load_avatar(context: DemoContext, path: Path, folder: Path) -> Avatar:
    """A visitor's own avatar, checked, its pictures in ``folder``. Raises Refusal or ModelError."""
    check_size(path, context.limits.avatar_bytes)
    return await context.jobs.check(partial(Avatar, path, folder, context.gallery.net, own=True))


def sentence(text: str) -> str:
    """A message of the builder's as a sentence of its own."""
    return text[:1].upper() + text[1:].rstrip(".") + "."

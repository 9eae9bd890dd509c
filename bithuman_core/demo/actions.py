"""What the page and the endpoints do alike: make clips, videos and avatars."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from bithuman_core.audio.sound import Sound
from bithuman_core.background import Background
from bithuman_core.build.photo.sources import is_clip
from bithuman_core.demo.context import DemoContext
from bithuman_core.demo.gallery import Avatar
from bithuman_core.demo.jobs import JobCancelled, Report
from bithuman_core.demo.limits import MIB
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.render_video import render_video
from bithuman_core.demo.sound import read_clip
from bithuman_core.demo.visitors.visitor import Visitor
from bithuman_core.errors import AudioError, BuildError, SeveralFacesError
from bithuman_core.fastrtc.avatar_engine import AvatarState
from bithuman_core.fastrtc.clip_queue import Clip
from bithuman_core.motion.take.frames import Mouth
from bithuman_core.timing import SAMPLES_PER_TICK
from bithuman_core.uploads import check_avatar, read_background, read_motion
from bithuman_core.voice.voices import too_long

logger = logging.getLogger(__name__)

TITLE = 40  # characters of a text that become its clip's name
MAX_NAME, MAX_NAME_BYTES = 40, 100
LONG_SIGN = 3  # letters of an alphabet, which take as long to say
NO_PHOTOS = "This server makes no avatars from photos: its host has switched that off, or lacks memory or bithuman-core[build]."
NO_FILE = "That file is not here any more: choose it again."
NO_CONSENT = "Tick the box first: an avatar is made only of a person who agrees to it."


def check_size(path: Path, limit: int) -> Path:
    """The file. Raises Refusal where it is empty, over ``limit`` bytes, or gone."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise Refusal(410, NO_FILE) from None
    if not size:
        raise Refusal(400, "That file is empty: choose another one.")
    if size > limit:
        raise Refusal(413, f"That file is larger than the {limit // MIB} MiB that are taken here: choose a smaller one.")
    return path


def clean_name(name: str, default: str) -> str:
    """A name without folders and oddities, 40 characters and 100 bytes at most: two of them make a file's name."""
    clean = re.sub(r"[^\w .()-]", "_", name.replace("\\", "/").rsplit("/", 1)[-1]).strip(" .")
    return clean[:MAX_NAME].encode()[:MAX_NAME_BYTES].decode(errors="ignore").strip(" .") or default


async def clip_of_file(context: DemoContext, path: Path, owner: str) -> Clip:
    """The clip of a sound file that ``owner`` sent. Raises Refusal, AudioError or IntakeError."""
    check_size(path, context.limits.audio_bytes)
    return await read_clip(context.reading, path, context.limits.audio_seconds, owner)


async def clip_of_take(context: DemoContext, motion: Path, sound: Path | None, owner: str, mouth: Mouth = Mouth.TAKE) -> Clip:
    """The clip of a file of motion, with the sound of another one or in silence, that ``owner`` sent.

    Raises Refusal, MotionError, AudioError or IntakeError.
    """
    limits = context.limits
    check_size(motion, limits.motion_bytes)
    take = await read_motion(context.reading, motion, limits.audio_seconds, owner)
    silence = np.zeros(len(take) * SAMPLES_PER_TICK, np.int16)
    if sound is None:
        return Clip(secrets.token_urlsafe(8), motion.name, Sound(silence), take)
    clip = await clip_of_file(context, sound, owner)
    samples = np.concatenate([clip.samples, silence[clip.samples.size :]])
    return replace(clip, sound=Sound(samples), motion=take if mouth is Mouth.TAKE else take.without_mouth())


async def background_of_file(context: DemoContext, path: Path, owner: str) -> Background:
    """The background of a picture that ``owner`` sent. Raises Refusal, BackgroundError or IntakeError."""
    check_size(path, context.limits.background_bytes)
    return await read_background(context.reading, path, owner)


async def stand_before(context: DemoContext, visitor: Visitor, background: Background | None) -> None:
    """Let a visitor's avatar stand before a background from the next frame on; None: the one that its file names.

    Raises BackgroundError for a film without a matte.
    """
    while True:
        fixture = visitor.state.fixture
        scene = await context.jobs.load(partial(fixture.scene, background))
        if visitor.state.fixture is fixture:  # else another avatar was chosen meanwhile
            break
    visitor.stand_before(background, scene)


async def clip_of_text(context: DemoContext, text: str, voice: str, timbre: str, address: str | None) -> Clip:
    """The clip of a text that somebody at ``address`` sent, whole. Raises Refusal or AudioError."""
    words = checked_words(context, text)
    with context.speeches.taking(address):
        sound = await context.jobs.speak(partial(context.speech.speak, words, voice, timbre, context.limits.audio_seconds))
    return _clip_of(words, Sound(sound))


async def growing_clip_of_text(context: DemoContext, text: str, voice: str, timbre: str, address: str | None) -> Clip:
    """The same as soon as its first sentence is there; the others come while it is spoken."""
    words, sound, begun = checked_words(context, text), Sound(), asyncio.Event()
    loop, longest = asyncio.get_running_loop(), context.limits.audio_seconds

    def work() -> None:
        for piece in context.speech.stream(words, voice, timbre):
            sound.append(piece)
            loop.call_soon_threadsafe(begun.set)
            if sound.seconds > longest:
                raise AudioError(too_long(sound.samples.size, longest))

    async def making() -> None:
        try:
            with context.speeches.taking(address):
                await context.jobs.speak(work)
        finally:
            sound.end()

    made = asyncio.create_task(making())
    first = asyncio.create_task(begun.wait())
    await asyncio.wait((made, first), return_when=asyncio.FIRST_COMPLETED)
    first.cancel()
    if made.done():
        made.result()
    else:
        _making.add(made)
        made.add_done_callback(_made)
    return _clip_of(words, sound)


_making: set[asyncio.Task[None]] = set()  # what a loop does not hold itself


def _made(task: asyncio.Task[None]) -> None:
    _making.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, JobCancelled):
        logger.warning("A text was not spoken to its end: %s", error)


def checked_words(context: DemoContext, text: str) -> str:
    """The text to be spoken. Raises Refusal where there is none, or too much."""
    lines = "\n".join(" ".join(line.split()) for line in text.splitlines())
    words, limits = lines.strip(), context.limits
    if not words:
        raise Refusal(422, "There is nothing to say yet: write some words.")
    if (length := spoken_length(words)) > limits.text:
        size = f"{len(words)} characters" if length == len(words) else f"{len(words)} characters that count as {length}"
        raise Refusal(422, f"That text has {size}, and {limits.text} are spoken at a time: shorten it.")
    return words


def _clip_of(words: str, sound: Sound) -> Clip:
    return Clip(secrets.token_urlsafe(8), " ".join(words.split())[:TITLE].strip(), sound)


def spoken_length(text: str) -> int:
    """Characters of a text, those threefold that stand for whole syllables or words: figures, signs, Chinese."""
    return sum(LONG_SIGN if _is_long(letter) else 1 for letter in text)


def _is_long(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF" or unicodedata.category(letter)[0] in "NS"


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
    check_size(photo, context.limits.clip_bytes if is_clip(photo) else context.limits.photo_bytes)
    title = clean_name(name, clean_name(photo.stem, "Me"))
    path = folder / f"{title}.imx"
    try:
        notes = await context.jobs.run(lambda tell: build(photo, path, title, consent, face, tell), report, gone)
    except SeveralFacesError:
        raise
    except BuildError as error:
        raise Refusal(422, sentence(error.message.replace(str(photo), photo.name))) from error
    return path, [sentence(note) for note in notes]


async def load_avatar(context: DemoContext, path: Path, folder: Path, owner: str) -> Avatar:
    """The avatar of a file that ``owner`` sent, checked, its pictures in ``folder``. Raises Refusal, ModelError, IntakeError."""
    check_size(path, context.limits.avatar_bytes)
    picture = await check_avatar(context.reading, path, owner, context.gallery.face)
    return await context.jobs.load(partial(Avatar, path, folder, context.gallery.net, picture))


def sentence(text: str) -> str:
    """A message of the builder's as a sentence of its own."""
    return text[:1].upper() + text[1:].rstrip(".") + "."

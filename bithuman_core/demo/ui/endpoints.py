"""The endpoints of "Use via API", for gradio_client, curl and MCP: what the page does, without a page."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from bithuman_core.demo.actions import clip_of_file, clip_of_take, clip_of_text, load_avatar, make_avatar, make_video
from bithuman_core.demo.context import DemoContext
from bithuman_core.demo.motion_file import write_motion
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.ui.events import LONG, caller, count_call, reporter, told
from bithuman_core.errors import BithumanError
from bithuman_core.fastrtc.avatar_engine import AvatarState
from bithuman_core.motion.export import RATES, MotionFormat
from bithuman_core.motion.take.frames import Mouth
from bithuman_core.timing import FPS

QUICK_CALL: dict[str, Any] = {"concurrency_limit": None}
NO_CONSENT = "Say in `consent` who agreed to this avatar: it is kept in the file."


def add_endpoints(context: DemoContext) -> None:
    """Add them to the Blocks that is being made."""

    first = context.gallery.first.key

    def folder() -> Path:
        made = context.gallery.folder / secrets.token_urlsafe(16)
        made.mkdir()
        return made

    async def state_of(avatar: str, imx: str | None, request: gr.Request | None) -> AvatarState:
        if imx:
            return AvatarState((await load_avatar(context, Path(imx), folder(), caller(request))).fixture)
        known = context.gallery.avatars
        if avatar not in known:
            raise Refusal(404, f"There is no avatar {avatar!r} here: choose one of {', '.join(known)}.")
        return AvatarState(known[avatar].fixture)

    async def list_avatars(request: gr.Request | None = None) -> list[dict[str, Any]]:
        """The avatars of this server.

        Returns:
            One object for each: key (what the other endpoints call it), name, size (width and height in px), gestures.
        """
        count_call(context, request)
        return [
            {"key": avatar.key, "name": avatar.name, "size": list(avatar.size), "gestures": sorted(avatar.fixture.gestures)}
            for avatar in context.gallery.avatars.values()
        ]

    async def speak_text(
        text: str, avatar: str = first, voice: str = "", timbre: str = "woman", imx: str | None = None,
        request: gr.Request | None = None, progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> str:  # fmt: skip
        """Let an avatar speak a text, and get the video.

        Args:
            text: What it says, 600 characters at most.
            avatar: The key of an avatar of this server, as list_avatars tells it.
            voice: A voice by its name (heart) or a language (en-us), of those that the server has installed; empty: its first.
            timbre: woman or man, where a voice comes in both.
            imx: An .imx file of one's own, in place of the avatar of the server.

        Returns:
            An MP4 video.
        """
        address = count_call(context, request)
        state = await state_of(avatar, imx, request)
        clip = await clip_of_text(context, text, voice, timbre, address)
        return str(await make_video(context, state, clip, folder(), reporter(progress)))

    async def speak_file(
        audio: str, avatar: str = first, imx: str | None = None,
        request: gr.Request | None = None, progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> str:  # fmt: skip
        """Let an avatar speak a sound file, and get the video.

        Args:
            audio: A sound file of any common kind, three minutes at most.
            avatar: The key of an avatar of this server, as list_avatars tells it.
            imx: An .imx file of one's own, in place of the avatar of the server.

        Returns:
            An MP4 video with the same sound in sync.
        """
        count_call(context, request)
        state = await state_of(avatar, imx, request)
        clip = await clip_of_file(context, needed(audio, "audio"), caller(request))
        return str(await make_video(context, state, clip, folder(), reporter(progress)))

    async def perform(
        take: str, avatar: str = first, audio: str | None = None, mouth: str = "take", imx: str | None = None,
        request: gr.Request | None = None, progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> str:  # fmt: skip
        """Let an avatar do recorded motion, alone or with its sound, and get the video.

        Args:
            take: A CSV file of Live Link Face, or what the endpoint motion writes (csv, arkit-csv, json), three minutes at most.
            avatar: The key of an avatar of this server, as list_avatars tells it.
            audio: A sound file of any common kind that goes with it.
            mouth: What moves the mouth where there is a sound: take, or speech.
            imx: An .imx file of one's own, in place of the avatar of the server.

        Returns:
            An MP4 video.
        """
        count_call(context, request)
        state = await state_of(avatar, imx, request)
        sound = Path(audio) if audio else None
        clip = await clip_of_take(context, needed(take, "take"), sound, caller(request), Mouth(mouth))
        return str(await make_video(context, state, clip, folder(), reporter(progress)))

    async def build_avatar(
        photo: str, name: str = "", consent: str = "", face: int = 0,
        request: gr.Request | None = None, progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> str:  # fmt: skip
        """Make an avatar of one photo or a short clip of a person who agrees to it.

        Args:
            photo: A photo or clip: one face, from the front, in even light, mouth closed.
            name: What the avatar is called.
            consent: Who agreed to this avatar and how, in one sentence; it is kept in the file.
            face: Which face, where there are several: 1 is the largest; 0: there is one.

        Returns:
            The avatar, an .imx file.
        """
        count_call(context, request)
        if not consent.strip():
            raise Refusal(403, NO_CONSENT)
        given, report = needed(photo, "photo"), reporter(progress)
        path, _ = await make_avatar(context, given, name, consent.strip(), folder(), report, face=int(face) or None)
        return str(path)

    async def motion(
        audio: str, form: str = "csv", fps: str = str(FPS), style: float = 1.0,
        request: gr.Request | None = None, progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> str:  # fmt: skip
        """The speech motion of a sound file, 52 ARKit coefficients a frame, for any 3D tool.

        Args:
            audio: A sound file of any common kind, three minutes at most.
            form: csv, arkit-csv (as Live Link Face records it), json or visemes.
            fps: Frames a second: 25, 30 or 60.
            style: How clearly the mouth articulates, 0.5 to 1.5.

        Returns:
            The motion as a file.
        """
        count_call(context, request)
        clip = await clip_of_file(context, needed(audio, "audio"), caller(request))
        fixture = context.gallery.first.fixture
        job = partial(write_motion, folder(), fixture, clip, MotionFormat(form), int(fps), style)
        return str(await context.jobs.run(job, reporter(progress)))

    async def validate(imx: str, request: gr.Request | None = None) -> dict[str, Any]:
        """Check an .imx file.

        Args:
            imx: The file.

        Returns:
            valid (true or false), with name and size of the avatar, or the error in one sentence.
        """
        count_call(context, request)
        path = needed(imx, "imx")
        try:
            avatar = await load_avatar(context, path, folder(), caller(request))
        except BithumanError as error:
            return {"valid": False, "error": error.message.replace(str(path), path.name)}
        return {"valid": True, "name": avatar.name, "size": list(avatar.size)}

    def endpoint(function: Callable[..., Any], inputs: list[Any], output: Any, how: dict[str, Any] = LONG) -> None:
        gr.Button().click(told(function), inputs, output, api_name=function.__name__, **how)

    def file(label: str) -> gr.File:
        return gr.File(label=label, type="filepath")  # of any kind: what is wrong with it is said in a sentence of ours

    keys, forms = list(context.gallery.avatars), [form.value for form in MotionFormat]
    with gr.Column(visible=False):
        audio, imx = gr.Audio(label="audio", type="filepath"), file("imx")
        avatar = gr.Dropdown(keys, value=first, label="avatar", allow_custom_value=True)
        text = gr.Textbox(label="text", max_length=context.limits.text)
        voice, timbre = gr.Textbox("", label="voice"), gr.Radio(["woman", "man"], value="woman", label="timbre")
        name, consent = gr.Textbox("", label="name"), gr.Textbox("", label="consent")
        face = gr.Number(0, label="face", precision=0, minimum=0)
        form = gr.Radio(forms, value="csv", label="form")
        fps = gr.Radio([str(rate) for rate in RATES], value=str(FPS), label="fps")
        style = gr.Slider(0.5, 1.5, 1.0, label="style")
        endpoint(list_avatars, [], gr.JSON(label="avatars"), QUICK_CALL)
        endpoint(speak_text, [text, avatar, voice, timbre, imx], gr.Video(label="video"))
        endpoint(speak_file, [audio, avatar, imx], gr.Video(label="video"))
        mouth = gr.Radio([each.value for each in Mouth], value=Mouth.TAKE.value, label="mouth")
        endpoint(perform, [file("take"), avatar, audio, mouth, imx], gr.Video(label="video"))
        endpoint(build_avatar, [file("photo"), name, consent, face], gr.File(label="avatar"))
        endpoint(motion, [audio, form, fps, style], gr.File(label="motion"))
        endpoint(validate, [imx], gr.JSON(label="result"), QUICK_CALL)


def needed(path: str | None, name: str) -> Path:
    """A file that must be given. Raises Refusal."""
    if not path:
        raise Refusal(400, f"There is no file in `{name}`: give one.")
    return Path(path)

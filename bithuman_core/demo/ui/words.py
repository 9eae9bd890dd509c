"""The part of the panel with the words: the microphone, a sound file, a text; and the video of what is said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import gradio as gr

from bithuman_core.demo.actions import clip_of_file, clip_of_take, clip_of_text, growing_clip_of_text, make_video
from bithuman_core.demo.context import DemoContext
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.ui.events import LONG, QUICK, reporter, told
from bithuman_core.demo.ui.talk import TalkPanel
from bithuman_core.demo.ui.talk import wire as wire_talk
from bithuman_core.demo.ui.ticket import ticket
from bithuman_core.demo.visitors.visitor import Visitor
from bithuman_core.fastrtc.clip_queue import Clip
from bithuman_core.settings import speech_clip
from bithuman_core.voice import HOW_TO_GET_IT

TEXT = "Hello, nice to meet you. An ordinary CPU draws me while I speak."
EXAMPLES = [TEXT, "Please mind the gap between the platform and the train.", "Peter Piper picked a peck of pickled peppers."]
TIMBRES = [("Woman", "woman"), ("Man", "man")]
NO_FILE = "Choose a sound file first."
HOW_TO_MOVE = "A face that Live Link Face recorded (CSV), or a file of our own: done with the sound above, or alone."
LEVEL = (
    '<div id="level" class="level" role="meter" aria-label="Microphone level" aria-valuemin="0" aria-valuemax="100" '
    'aria-valuenow="0"><span></span></div>'
)


class WordsPanel:
    """Its components, laid out where it is made."""

    def __init__(self, context: DemoContext) -> None:
        limit = context.limits.text
        gr.set_static_paths([speech_clip()])  # served from where it is, without a copy among the temporary files
        gr.Markdown("## Its words")
        with gr.Tabs(elem_id="words"):
            with gr.Tab("Microphone", elem_id="words-microphone") as self.microphone:
                gr.Markdown("The avatar says what you say, while you say it.")
                gr.HTML(LEVEL, padding=False)
            with gr.Tab("Talk", elem_id="words-talk") as self.talk:
                self.talking = TalkPanel(context)
            with gr.Tab("Audio file", elem_id="words-file") as self.file:
                self.sound = gr.Audio(
                    label="A sound file", show_label=False, sources=["upload"], type="filepath", editable=False,
                    show_download_button=False, show_share_button=False, elem_id="sound",
                )  # fmt: skip
                with gr.Row():
                    self.play = gr.Button("Speak it", elem_id="speak-file", size="md", min_width=0)
                    self.stop_file = gr.Button("Stop", elem_id="stop-file", size="md", min_width=0)
                    self.make_file_video = gr.Button("Make a video", elem_id="video-file", size="md", min_width=0)
                with gr.Accordion("With recorded motion", open=False, elem_id="motion-panel"):
                    gr.Markdown(HOW_TO_MOVE)
                    self.motion = gr.File(label="A motion file", type="filepath", height=120, elem_id="motion-file")
                gr.Examples(
                    [[str(speech_clip())]], self.sound, label="Or try", example_labels=["A sentence of real speech"],
                    elem_id="sound-examples",
                )  # fmt: skip
            with gr.Tab("Text", elem_id="words-text") as self.text:
                self.words = gr.Textbox(TEXT, label="What it says", lines=3, max_lines=8, max_length=limit, elem_id="text")
                with gr.Row():
                    self.voice = gr.Dropdown([], label="Voice", min_width=120, elem_id="voice")
                    self.timbre = gr.Radio(TIMBRES, value="woman", label="Timbre", min_width=120, elem_id="timbre")
                with gr.Row():
                    self.speak = gr.Button("Speak", elem_id="speak-text", size="md", min_width=0)
                    self.stop_text = gr.Button("Stop", elem_id="stop-text", size="md", min_width=0)
                    self.make_text_video = gr.Button("Make a video", elem_id="video-text", size="md", min_width=0)
                gr.Examples([[text] for text in EXAMPLES], self.words, label="Examples", elem_id="text-examples")
        self.video = gr.Video(label="Video", visible=False, interactive=False, show_share_button=False, elem_id="video")

    def voices(self, context: DemoContext) -> list[Any]:
        """The voices of this machine, for ``voice``, ``timbre`` and ``words``."""
        known = context.speech.voices
        if not known:
            return [gr.Dropdown([], interactive=False), gr.Radio(), gr.Textbox("", placeholder=HOW_TO_GET_IT, interactive=False)]
        names = [(voice.name, voice.id) for voice in known]
        return [gr.Dropdown(names, value=known[0].id), gr.Radio(interactive=known[0].timbres), gr.Textbox()]


def wire(panel: WordsPanel, context: DemoContext, visitor: gr.State, stage: gr.HTML) -> None:
    """What happens when something of the panel is used. ``stage`` takes the tickets."""

    async def of_file(found: Visitor, sound: str | None, motion: str | None = None) -> Clip:
        if sound is None and motion is None:
            raise Refusal(400, NO_FILE)
        for file in (sound, motion):
            if file is not None:
                found.keep_upload(Path(file))
        if motion is not None:
            return await clip_of_take(context, Path(motion), Path(sound) if sound else None, found.owner)
        return await clip_of_file(context, Path(sound or ""), found.owner)

    async def of_text(found: Visitor, text: str, voice: str, timbre: str) -> Clip:
        return await clip_of_text(context, text, voice, timbre, found.address)

    async def of_text_at_once(found: Visitor, text: str, voice: str, timbre: str) -> Clip:
        return await growing_clip_of_text(context, text, voice, timbre, found.address)

    def speaker(clip_of: Callable[..., Awaitable[Clip]]) -> Callable[..., Awaitable[str]]:
        async def say(secret: str, *words: Any) -> str:
            found = context.visitors.find(secret)
            found.spend()
            clip = await clip_of(found, *words)
            found.keep_clip(clip)
            return ticket(found, clip)

        return told(say)

    def video_maker(clip_of: Callable[..., Awaitable[Clip]]) -> Callable[..., Awaitable[Any]]:
        async def make(secret: str, *words: Any, progress: gr.Progress) -> Any:
            found = context.visitors.find(secret)
            found.spend()
            clip = await clip_of(found, *words)
            folder = found.new_folder()
            path = await make_video(context, found.state, clip, folder, reporter(progress), lambda: found.closed)
            return gr.Video(str(path), visible=True)

        return make

    make_file_video, make_text_video = video_maker(of_file), video_maker(of_text)

    async def video_of_file(
        secret: str, sound: str | None, motion: str | None = None, progress: gr.Progress = gr.Progress()  # noqa: B008
    ) -> Any:
        return await make_file_video(secret, sound, motion, progress=progress)

    async def video_of_text(
        secret: str, text: str, voice: str, timbre: str, progress: gr.Progress = gr.Progress()  # noqa: B008
    ) -> Any:
        return await make_text_video(secret, text, voice, timbre, progress=progress)

    async def hush(secret: str) -> None:
        context.visitors.find(secret).hush()

    def turner(way: str) -> Callable[[str], Awaitable[str]]:
        async def turn(secret: str) -> str:
            found = context.visitors.find(secret)
            found.turn(way)
            return ticket(found)

        return told(turn)

    def offer_timbres(voice: str) -> Any:
        return gr.Radio(interactive=any(known.timbres for known in context.speech.voices if known.id == voice))

    panel.voice.change(offer_timbres, panel.voice, panel.timbre, **QUICK)
    texts: list[Any] = [visitor, panel.words, panel.voice, panel.timbre]
    wire_talk(panel.talking, context, visitor)
    tabs = (panel.microphone, "microphone"), (panel.talk, "talk"), (panel.file, "file"), (panel.text, "text")
    for tab, way in tabs:
        tab.select(turner(way), visitor, stage, **QUICK)
    panel.play.click(speaker(of_file), [visitor, panel.sound, panel.motion], stage, **QUICK)
    gr.on([panel.speak.click, panel.words.submit], speaker(of_text_at_once), texts, stage, **QUICK)
    gr.on([panel.stop_file.click, panel.stop_text.click], told(hush), visitor, None, **QUICK)
    shown: dict[str, Any] = {"outputs": panel.video, "api_name": False, **LONG}
    of_sound = panel.make_file_video, told(video_of_file), [visitor, panel.sound, panel.motion]
    for button, making, given in (of_sound, (panel.make_text_video, told(video_of_text), texts)):
        button.click(lambda: gr.Video(None, visible=True), None, panel.video, **QUICK).then(making, given, **shown)

"""One way to an avatar of one's own: what it is made of, its name, the consent, and how its making goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from bithuman_core.demo.actions import NO_PHOTOS
from bithuman_core.demo.context import DemoContext
from bithuman_core.demo.ui.inputs import clip_input, photo_input

WHICH = "Which face? Choose one, then press Create."
LISTEN_SECONDS, READ_SECONDS = 20, 5  # of a recording
CAMERA = {"video": {"facingMode": "user", "width": {"ideal": 1280}, "height": {"ideal": 720}, "frameRate": {"ideal": 25}}}
HOW_TO_RECORD = (
    f"{LISTEN_SECONDS} seconds of listening, then a sentence to read aloud. One face, from the front, in even light. A clip of 8 "
    "seconds or more will do as well."
)
# Its words and its count are written by stage/record.js, which finds the camera's picture below it.
GUIDE = f"""<record-guide data-listen="{LISTEN_SECONDS}" data-read="{READ_SECONDS}">
<p role="status" aria-live="polite">{HOW_TO_RECORD}</p><span class="count" aria-hidden="true" hidden></span>
</record-guide>"""


@dataclass(frozen=True, slots=True)
class Source:
    """What an avatar can be made of. ``ticked`` is kept in its file: what the visitor agreed to."""

    key: str  # of the elements' ids
    title: str
    how: Callable[[], Any]  # lays out what to do
    lay_out: Callable[[], Any]  # the component that takes it
    agrees: str
    missing: str

    @property
    def ticked(self) -> str:
        """The consent as it is kept."""
        return f"The visitor of the demo page ticked: {self.agrees[:1].lower()}{self.agrees[1:]}"


def _photo() -> gr.Image:
    return photo_input(
        label="Photo", show_label=False, sources=["upload", "webcam"], image_mode=None, type="filepath", height=240,
        webcam_options=gr.WebcamOptions(mirror=False), show_download_button=False, show_share_button=False,
        show_fullscreen_button=False, elem_id="photo",
    )  # fmt: skip


def _recording() -> gr.Video:
    return clip_input(
        label="Clip", show_label=False, sources=["webcam", "upload"], include_audio=True, elem_id="record",
        webcam_options=gr.WebcamOptions(mirror=True, constraints=CAMERA),
    )  # fmt: skip


PHOTO = Source(
    "photo", "Create from a photo",
    lambda: gr.Markdown(
        "One face, from the front, in even light, mouth closed. It stays on this server until you close the page."
    ),
    _photo,
    "This is a photo of me, or of somebody who agrees to this avatar.",
    "Choose a photo first, or take one with the camera.",
)  # fmt: skip
RECORDING = Source(
    "record", "Record yourself",
    lambda: gr.HTML(GUIDE, padding=False),
    _recording,
    "This is a clip of me, or of somebody who agrees to this avatar.",
    "Record a clip first, or choose one.",
)  # fmt: skip


class MakingPanel:
    """Its components, laid out where it is made."""

    def __init__(self, context: DemoContext, source: Source) -> None:
        self.source, key = source, source.key
        with gr.Accordion(source.title, open=False, elem_id=f"{key}-panel", elem_classes="making"):
            if context.build:
                source.how()
            else:
                gr.Markdown(NO_PHOTOS)
            self.input = source.lay_out()
            self.faces = gr.Gallery(
                visible=False, label=WHICH, columns=4, height="auto", object_fit="cover", allow_preview=False, interactive=False,
                show_share_button=False, show_download_button=False, show_fullscreen_button=False, elem_id=f"{key}-faces",
            )  # fmt: skip
            self.face = gr.State(0)  # number of the chosen one, 0 none
            self.made = gr.State("")  # key of the last avatar that was made here: the input is emptied then
            self.name = gr.Textbox(label="Name", max_lines=1, max_length=40, elem_id=f"{key}-name")
            self.consent = gr.Checkbox(label=source.agrees, container=False, elem_id=f"{key}-consent")
            self.create = gr.Button("Create", variant="primary", interactive=context.build is not None, elem_id=f"{key}-create")
            self.progress = gr.HTML(elem_id=f"{key}-progress", elem_classes="making-progress", padding=False, min_height=0)

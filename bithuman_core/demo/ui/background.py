"""The part of the panel with the background: the avatar's own, blurred, a colour, or a picture that the visitor brings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import gradio as gr

from bithuman_core.background import OWN, Background
from bithuman_core.demo.actions import background_of_file, stand_before
from bithuman_core.demo.context import DemoContext
from bithuman_core.demo.ui.events import QUICK, told
from bithuman_core.demo.ui.inputs import photo_input

KINDS = [("Its own", "photo"), ("Blurred", "blur"), ("Colour", "colour"), ("Picture", "picture")]
FIRST = "#3a4a5c"


class BackgroundPanel:
    """Its components, laid out where it is made."""

    def __init__(self) -> None:
        gr.Markdown("## Background")
        self.kind = gr.Radio(KINDS, value="photo", label="Background", show_label=False, container=False, elem_id="background")
        self.colour = gr.ColorPicker(FIRST, label="Colour", visible=False, elem_id="background-colour")
        # It is shown with its column: Gradio would put an input of its own in its place, one that opens files itself.
        with gr.Column(visible=False) as self.bringing:
            self.picture = photo_input(
                label="Picture", show_label=False, sources=["upload"], image_mode=None, type="filepath", height=160,
                show_download_button=False, show_share_button=False, show_fullscreen_button=False, elem_id="background-picture",
            )  # fmt: skip


def hex_of(colour: str) -> str:
    """A colour as ``#rrggbb``: Gradio's picker says it so, or as ``rgba(12.5, 40, 255, 1)``. Other texts stay what they are."""
    numbers = re.fullmatch(r"rgba?\(([\d.]+),\s*([\d.]+),\s*([\d.]+)(?:,.*)?\)", colour.strip())
    if numbers is None:
        return colour
    return "#" + "".join(f"{min(round(float(value)), 255):02x}" for value in numbers.groups())


def wire(panel: BackgroundPanel, context: DemoContext, visitor: gr.State) -> None:
    """What happens when something of the panel is used."""

    async def stand(secret: str, kind: str, colour: str, file: str | None) -> list[Any]:
        found = context.visitors.find(secret)
        if kind == "picture" and file is not None:
            found.keep_upload(Path(file))
            found.spend()
            await stand_before(context, found, await background_of_file(context, Path(file), found.owner))
        elif kind != "picture":
            named = OWN if kind == "photo" else Background.named(hex_of(colour) if kind == "colour" else kind)
            await stand_before(context, found, None if named is OWN else named)
        return [gr.ColorPicker(visible=kind == "colour"), gr.Column(visible=kind == "picture")]

    given, shown = [visitor, panel.kind, panel.colour, panel.picture], [panel.colour, panel.bringing]
    panel.kind.input(told(stand), given, shown, **QUICK)
    panel.colour.input(told(stand), given, shown, trigger_mode="always_last", **QUICK)
    panel.picture.upload(told(stand), given, shown, **QUICK)

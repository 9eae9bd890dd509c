"""The part of the panel with the manner: emotion, gestures, stillness."""

from __future__ import annotations

import gradio as gr

from bithuman_core.demo.context import DemoContext
from bithuman_core.demo.gallery import Avatar
from bithuman_core.demo.ui.events import QUICK, told
from bithuman_core.demo.ui.view import gesture_buttons, gesture_names
from bithuman_core.types import Emotion

FIRST = (Emotion.NEUTRAL, Emotion.JOY, Emotion.SURPRISE, Emotion.SADNESS)  # those that are used most
EMOTIONS = [(emotion.value.capitalize(), emotion.value) for emotion in (*FIRST, *(each for each in Emotion if each not in FIRST))]


class MannerPanel:
    """Its components, laid out where it is made."""

    def __init__(self, avatar: Avatar) -> None:
        gr.Markdown("## Its manner")
        self.emotion = gr.Radio(EMOTIONS, value=Emotion.NEUTRAL.value, label="Emotion", elem_id="emotion")
        self.gestures = gr.Dataset(
            label="Gestures", components=[gr.Textbox(visible=False)], **gesture_buttons(avatar), type="index", layout="gallery",
            samples_per_page=64, elem_id="gestures",
        )  # fmt: skip
        self.stillness = gr.Slider(0, 1, 0, step=0.05, label="Stillness", show_reset_button=False, elem_id="stillness")


def wire(panel: MannerPanel, context: DemoContext, visitor: gr.State) -> None:
    """What happens when something of the panel is used."""

    async def feel(secret: str, emotion: str) -> None:
        context.visitors.find(secret).feel(Emotion(emotion))

    async def perform(secret: str, index: int) -> None:
        found = context.visitors.find(secret)
        known = gesture_names(found.avatar)
        found.perform(known[min(index, len(known) - 1)])

    async def calm(secret: str, stillness: float) -> None:
        context.visitors.find(secret).calm(stillness)

    panel.emotion.input(told(feel), [visitor, panel.emotion], None, **QUICK)
    panel.gestures.click(told(perform), [visitor, panel.gestures], None, **QUICK)
    panel.stillness.input(told(calm), [visitor, panel.stillness], None, trigger_mode="always_last", **QUICK)

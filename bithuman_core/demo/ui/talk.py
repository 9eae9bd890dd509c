"""The tab of the panel in which one talks with the avatar: what was said, and a line for typed words."""

from __future__ import annotations

from typing import Any

import gradio as gr

from bithuman_core.demo.context import DemoContext
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.ui.events import QUICK, told
from bithuman_core.demo.visitors.visitor import NOT_LIVE, Visitor
from bithuman_core.ears.turns import LONGEST_PAUSE, SHORTEST_PAUSE
from bithuman_core.settings import settings

LONGEST_ON_PAGE = 2.0  # s
HOW = "Press Start and talk: the avatar answers. Speak into its words to stop it."
TYPED = (
    "Press Start and write: the avatar answers. So that it hears you, too, its host runs "
    "`pip install 'bithuman-core[ears]'` or sets BITHUMAN_STT_URL."
)


class TalkPanel:
    """Its components, laid out where it is made (inside a tab)."""

    def __init__(self, context: DemoContext) -> None:
        gr.Markdown(HOW if context.hears else TYPED)
        self.said = gr.Chatbot(
            type="messages", show_label=False, height=220, elem_id="talk-said", sanitize_html=True, render_markdown=False,
        )  # fmt: skip
        with gr.Row():
            self.words = gr.Textbox(
                show_label=False, placeholder="Write to the avatar", max_length=context.limits.text, container=False, scale=4,
                elem_id="talk-words",
            )  # fmt: skip
            self.stop = gr.Button("Stop", elem_id="talk-stop", size="md", min_width=0, scale=1)
        with gr.Accordion("Turns", open=False, visible=context.hears, elem_id="talk-turns"):
            self.by_key = gr.Checkbox(
                False, label="Push to talk", info="You are heard while the button or the space bar is down.",
                elem_id="talk-by-key",
            )  # fmt: skip
            self.pause = gr.Slider(
                SHORTEST_PAUSE, LONGEST_ON_PAGE, settings().turn_pause, step=0.05, label="Pause that ends your turn",
                info="Seconds. Longer, where you are cut off while you think.", elem_id="talk-pause",
            )  # fmt: skip
        self.hold = gr.Button("Hold to talk", visible=False, elem_id="talk-hold", variant="primary")
        self.refresh = gr.Button("Refresh", elem_id="talk-refresh", elem_classes="unseen")  # pressed by the stage


def wire(panel: TalkPanel, context: DemoContext, visitor: gr.State) -> None:
    """What happens when something of the panel is used."""

    def talker(secret: str) -> tuple[Visitor, Any]:
        found = context.visitors.find(secret)
        if found.talker is None or not found.talker.live:
            raise Refusal(409, NOT_LIVE)
        return found, found.talker

    async def read(secret: str, text: str) -> Any:
        if not text.strip():
            return ""
        found, talking = talker(secret)
        found.spend()
        talking.read(text)
        return ""

    async def stop(secret: str) -> None:
        talker(secret)[1].stop()

    async def lines(secret: str) -> list[dict[str, str]]:
        found = context.visitors.find(secret)
        return found.talker.lines if found.talker is not None else []

    async def forget(secret: str) -> None:
        if (talking := context.visitors.find(secret).talker) is not None:
            talking.forget()

    async def by_key(secret: str, on: bool) -> Any:
        if (talking := context.visitors.find(secret).talker) is not None:
            talking.by_key(on)
        return gr.update(visible=on)

    async def pause(secret: str, seconds: float) -> None:
        if (talking := context.visitors.find(secret).talker) is not None:
            talking.end_turns_after(min(max(seconds, SHORTEST_PAUSE), LONGEST_PAUSE))

    panel.said.clear(told(forget), visitor, None, **QUICK)
    panel.by_key.change(told(by_key), [visitor, panel.by_key], panel.hold, **QUICK)
    panel.pause.release(told(pause), [visitor, panel.pause], None, **QUICK)
    # "multiple": else Gradio would drop what is written before its answer to the last line has arrived
    panel.words.submit(told(read), [visitor, panel.words], panel.words, trigger_mode="multiple", **QUICK)
    panel.stop.click(told(stop), visitor, None, **QUICK)
    # "always_last": else Gradio would drop what is said before the lines up to then have arrived
    panel.refresh.click(told(lines), visitor, panel.said, trigger_mode="always_last", **QUICK)

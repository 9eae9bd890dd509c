"""The page: a Gradio app with the stage beside a panel of Gradio's components."""

from __future__ import annotations

from typing import Any

import gradio as gr

from bithuman_core.demo.context import DemoContext
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.stage import stage_html
from bithuman_core.demo.ui import avatars, background, manner, words
from bithuman_core.demo.ui.endpoints import add_endpoints
from bithuman_core.demo.ui.events import QUICK, host_of
from bithuman_core.demo.ui.theme import AvatarTheme
from bithuman_core.demo.ui.ticket import NOBODY, refused, ticket
from bithuman_core.demo.ui.view import AvatarView, heading

SWEEP_SECONDS, OLD_SECONDS = 600, 3600  # files that were sent and never used
STATS = """<dl class="stats">
<div><dt>Frames a second</dt><dd id="stat-fps">–</dd></div>
<div><dt>Delay</dt><dd id="stat-delay" title="From your microphone to the moving mouth on this screen">–</dd></div>
<div><dt>Picture after its sound</dt><dd id="stat-offset" title="On this screen: 0 is in sync, - is early">–</dd></div>
<div><dt>CPU of this visit</dt><dd id="stat-cpu" title="On the server, in parts of one core">–</dd></div>
</dl>"""


def build_page(context: DemoContext) -> gr.Blocks:
    """The Gradio app of a demo, for ``gr.mount_gradio_app`` or ``launch``."""
    first = context.gallery.first
    with gr.Blocks(
        theme=AvatarTheme(), title=f"{first.name} · bithuman_core", analytics_enabled=False, fill_width=True,
        delete_cache=(SWEEP_SECONDS, OLD_SECONDS),
    ) as demo:  # fmt: skip
        visitor = gr.State("")  # the secret of the page's visitor
        stage_ticket = gr.HTML(NOBODY, elem_id="ticket", padding=False)
        with gr.Row(elem_id="page", equal_height=False):
            gr.HTML(stage_html(first), elem_id="stage", padding=False)
            with gr.Column(elem_id="panel"):
                title = gr.Markdown(heading(first), elem_id="avatar-name")
                avatar_panel = avatars.AvatarPanel(context)
                words_panel = words.WordsPanel(context)
                background_panel = background.BackgroundPanel()
                manner_panel = manner.MannerPanel(first)
                with gr.Accordion("Measured", open=False, elem_id="measured"):
                    gr.HTML(STATS, padding=False)
        choice = avatar_panel
        view = AvatarView(stage_ticket, title, choice.gallery, choice.own, choice.keep, choice.note, manner_panel.gestures)
        avatars.wire(choice, view, context, visitor)
        words.wire(words_panel, context, visitor, stage_ticket)
        background.wire(background_panel, context, visitor)
        manner.wire(manner_panel, context, visitor)
        add_endpoints(context)

        async def arrive(request: gr.Request) -> list[Any]:
            voices = words_panel.voices(context)
            try:
                arrived = context.visitors.open(host_of(request))
            except Refusal as refusal:
                return ["", refused(refusal.sentence), *voices]
            return [arrived.secret, ticket(arrived), *voices]

        demo.load(arrive, None, [visitor, stage_ticket, words_panel.voice, words_panel.timbre, words_panel.words], **QUICK)
    demo.queue(max_size=context.limits.waiting)
    return demo

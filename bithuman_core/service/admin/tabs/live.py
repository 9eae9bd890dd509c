"""What is live now; one can be told to say something."""

from __future__ import annotations

import gradio as gr
from sqlalchemy import select

from bithuman_core.service.admin.acting import QUICK, told, whoever_asks
from bithuman_core.service.admin.table import chosen, table
from bithuman_core.service.admin.words import how_long
from bithuman_core.service.api.talking import MOST, Speech, speak
from bithuman_core.service.context import Service
from bithuman_core.service.data.tables import Agent, Live
from bithuman_core.service.errors import Invalid
from bithuman_core.service.live import EMBED, ROOM, is_live

COLUMNS = ("Agent", "Name", "In", "Called", "For", "Process")
KINDS = {ROOM: "a LiveKit room", EMBED: "a page"}
NOBODY = "Choose an agent in the table, and write what it is to say."


def build(service: Service, tab: gr.Tab, ticking: gr.Timer) -> None:
    """The tab's contents, shown when it is opened, and anew with each tick."""
    live = table(COLUMNS, "live")
    code = gr.State("")
    with gr.Row():
        text = gr.Textbox(
            "", label="Let it say", placeholder="choose an agent above first", max_length=MOST, scale=4, elem_id="say"
        )  # fmt: skip
        say = gr.Button("Say it", variant="primary", scale=0)

    @told
    def show() -> list[list[str]]:
        now = service.now()
        here = (
            select(Live, Agent.name).outerjoin(Agent, Agent.code == Live.agent_code)
            .where(is_live(now)).order_by(Live.started_at)
        )  # fmt: skip
        with service.database.reading() as session:
            return [
                [row.agent_code or "", name or "no agent of this service", KINDS[row.kind], row.room or row.origin or "",
                 how_long(now - row.started_at), row.process]
                for row, name in session.execute(here)
            ]  # fmt: skip

    @told
    def tell(number: str, message: str, request: gr.Request) -> str:
        if not number or not message.strip():
            raise Invalid(NOBODY)
        told_to = speak(service, whoever_asks(request), number, Speech(message=message.strip(), room_id=None))
        gr.Info(f"It says it in {told_to.delivered_to_rooms} places.")
        return ""

    def choose(event: gr.SelectData) -> str:
        return chosen(event)

    gr.on([tab.select, ticking.tick], show, None, live, **QUICK)
    live.select(choose, None, code, **QUICK)
    gr.on([say.click, text.submit], tell, [code, text], text, **QUICK)

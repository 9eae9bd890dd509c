"""Agents: found by name or code; persona and name changed, deleted."""

from __future__ import annotations

import base64
from html import escape
from typing import Any

import gradio as gr
from sqlalchemy import func, or_, select

from bithuman_core.service.admin.acting import QUICK, told, whoever_asks
from bithuman_core.service.admin.table import chosen, table
from bithuman_core.service.admin.words import size, when
from bithuman_core.service.api.agents import Change, change_agent, delete_agent, found
from bithuman_core.service.context import Service
from bithuman_core.service.data.tables import Agent, Blob

MOST = 100  # shown at a time
COLUMNS = ("Code", "Name", "Status", "File", "Made", "What is wrong")
SIDE = 160  # px of a picture


def build(service: Service, tab: gr.Tab) -> None:
    """The tab's contents, shown when it is opened."""
    with gr.Row():
        wanted = gr.Textbox("", label="Find", placeholder="name or code", elem_id="find-agent", scale=3, max_length=100)
        refresh = gr.Button("Refresh", scale=0)
    count = gr.Markdown(elem_id="agent-count")
    agents = table(COLUMNS, "agents", widths=("12%", "20%", "10%", "10%", "16%", "32%"))
    code = gr.State("")
    with gr.Row(visible=False, elem_id="agent") as one:
        with gr.Column(scale=0, min_width=SIDE):
            picture = gr.HTML(padding=False)
        with gr.Column(scale=1):
            name = gr.Textbox(label="Name", max_length=100)
            persona = gr.Textbox(label="Persona", lines=4, max_length=service.limits.prompt)
            with gr.Row():
                save = gr.Button("Save", variant="primary", scale=0)
                sure = gr.Checkbox(label="Delete it with its videos, for good", value=False)
                delete = gr.Button("Delete", variant="stop", interactive=False, scale=0)

    @told
    def show(text: str) -> tuple[list[list[str]], str]:
        like = f"%{text.strip().replace('%', '').replace('_', '')}%"
        matching = or_(Agent.name.ilike(like), Agent.code.ilike(like))
        with service.database.reading() as session:
            total = session.scalar(select(func.count()).select_from(Agent).where(matching)) or 0
            newest = (
                select(Agent, Blob.size).outerjoin(Blob, Blob.sha256 == Agent.model).where(matching)
                .order_by(Agent.created.desc()).limit(MOST)
            )  # fmt: skip
            rows = [
                [agent.code, agent.name, agent.status, size(taken), when(agent.created), agent.error or ""]
                for agent, taken in session.execute(newest)
            ]
        return rows, ("one agent" if total == 1 else f"{total} agents") + (f", the newest {MOST} of them" if total > MOST else "")

    @told
    def choose(event: gr.SelectData) -> tuple[Any, ...]:
        with service.database.reading() as session:
            agent = found(session, chosen(event))
            shown = agent.code, agent.name, agent.prompt
            still = agent.still
        return gr.Row(visible=True), *shown, _picture(service, still, shown[1]), gr.Checkbox(value=False)

    @told
    def change(number: str, new_name: str, prompt: str, request: gr.Request) -> None:
        given = Change(name=new_name.strip() or None, system_prompt=prompt)
        change_agent(service, whoever_asks(request), number, given)
        gr.Info("Saved.")

    @told
    def remove(number: str, is_sure: bool, request: gr.Request) -> Any:
        if is_sure:
            delete_agent(service, whoever_asks(request), number)
        return gr.Row(visible=not is_sure)

    listed: dict[str, Any] = {"fn": show, "inputs": wanted, "outputs": [agents, count], **QUICK}
    gr.on([tab.select, refresh.click, wanted.submit], **listed)
    agents.select(choose, None, [one, code, name, persona, picture, sure], **QUICK)
    save.click(change, [code, name, persona], None, **QUICK).success(**listed)
    sure.change(lambda is_sure: gr.Button(interactive=is_sure), sure, delete, **QUICK)
    delete.click(remove, [code, sure], one, **QUICK).success(**listed)


def _picture(service: Service, still: str | None, name: str) -> str:
    if still is None:
        return ""
    with service.storage.open(still) as file:
        data = base64.b64encode(file.read()).decode()
    return f'<img class="still" width="{SIDE}" height="{SIDE}" alt="{escape(name)}" src="data:image/webp;base64,{data}">'

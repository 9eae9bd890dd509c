"""Secrets: made and shown this once, listed, revoked; and who did what with them."""

from __future__ import annotations

from typing import Any

import gradio as gr
from sqlalchemy import select

from bithuman_core.service.admin.acting import QUICK, told, whoever_asks
from bithuman_core.service.admin.table import chosen, table
from bithuman_core.service.admin.words import when
from bithuman_core.service.context import Service
from bithuman_core.service.data.tables import AuditEntry
from bithuman_core.service.secrets.quotas import DAY
from bithuman_core.service.secrets.scopes import Scope
from bithuman_core.service.secrets.store import NAME_LENGTH, PER_DAY, PER_MINUTE, state

COLUMNS = ("Id", "Name", "State", "May", "Requests a minute", "Made a day", "Created", "Expires")
AUDIT = ("When (UTC)", "Secret", "What", "Of", "Outcome")
USUAL = [Scope.READ.value, Scope.SPEAK.value, Scope.BUILD.value]
LINES = 200


def build(service: Service, tab: gr.Tab) -> None:
    """The tab's contents, shown when it is opened."""
    secrets = table(COLUMNS, "secrets")
    number = gr.State("")
    with gr.Row():
        which = gr.Markdown("Choose a secret to revoke it.")
        revoke = gr.Button("Revoke", variant="stop", interactive=False, scale=0)
    with gr.Accordion("Make a secret", open=False):
        with gr.Row():
            name = gr.Textbox(
                "", label="Name", placeholder="by which you know it again", max_length=NAME_LENGTH, elem_id="new-name"
            )  # fmt: skip
            scopes = gr.CheckboxGroup([scope.value for scope in Scope], value=USUAL, label="It may")
        with gr.Row():
            days = gr.Number(label="Days that it lives (0: until it is revoked)", value=0, minimum=0)
            per_minute = gr.Number(label="Requests a minute", value=PER_MINUTE, precision=0, minimum=1)
            per_day = gr.Number(label="Agents and videos a day", value=PER_DAY, precision=0, minimum=0)
        make = gr.Button("Make it", variant="primary")
        made = gr.Textbox(
            label="Copy it now: it is shown this once", visible=False, interactive=False, show_copy_button=True, elem_id="made"
        )
    with gr.Accordion("Who did what", open=False):
        audit = table(AUDIT, "audit")

    @told
    def show() -> tuple[list[list[str]], list[list[str]]]:
        now = service.now()
        rows = [
            [row.id, row.name, state(row, now), ", ".join(row.scopes), str(row.per_minute), str(row.per_day), when(row.created),
             when(row.expires)]
            for row in service.secrets.all()
        ]  # fmt: skip
        with service.database.reading() as session:
            entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(LINES))
            lines = [[when(entry.at), entry.secret_id or "", entry.action, entry.target, entry.outcome] for entry in entries]
        return rows, lines

    @told
    def create(
        new_name: str, may: list[str], lives: float | None, minute: float | None, day: float | None, request: gr.Request
    ) -> Any:
        secret, _ = service.secrets.create(
            new_name, may, seconds=lives * DAY if lives else None, per_minute=int(minute or 0), per_day=int(day or 0),
            by=whoever_asks(request).id,
        )  # fmt: skip
        return gr.Textbox(value=secret, visible=True)

    def choose(event: gr.SelectData) -> tuple[str, str, Any]:
        row: Any = event.row_value
        return chosen(event), f"Chosen: **{row[0]}**, {row[1]}", gr.Button(interactive=row[2] == "valid")

    @told
    def end(which_one: str, request: gr.Request) -> tuple[str, Any]:
        service.secrets.revoke(which_one, by=whoever_asks(request).id)
        return "It is valid no more.", gr.Button(interactive=False)

    listed: dict[str, Any] = {"fn": show, "inputs": None, "outputs": [secrets, audit], **QUICK}
    tab.select(lambda: gr.Textbox(value="", visible=False), None, made, **QUICK)
    tab.select(**listed)
    make.click(create, [name, scopes, days, per_minute, per_day], made, **QUICK).success(**listed)
    secrets.select(choose, None, [number, which, revoke], **QUICK)
    revoke.click(end, number, [which, revoke], **QUICK).success(**listed)

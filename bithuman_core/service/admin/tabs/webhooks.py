"""Webhooks, and what became of their deliveries."""

from __future__ import annotations

from typing import Any

import gradio as gr
from sqlalchemy import select

from bithuman_core.service.admin.acting import QUICK, told, whoever_asks
from bithuman_core.service.admin.table import chosen, table
from bithuman_core.service.admin.words import when
from bithuman_core.service.api import webhooks as api
from bithuman_core.service.context import Service
from bithuman_core.service.data.tables import Delivery, Webhook
from bithuman_core.service.errors import Invalid

COLUMNS = ("Id", "Address", "Events", "Active", "Made", "Description")
LOG = ("When (UTC)", "Webhook", "Event", "Status", "Tries", "Answer", "What is wrong")
LINES = 200


def build(service: Service, tab: gr.Tab) -> None:
    """The tab's contents, shown when it is opened."""
    hooks = table(COLUMNS, "webhooks")
    number = gr.State("")
    with gr.Row():
        which = gr.Markdown("Choose a webhook to test or delete it.")
        test = gr.Button("Send a test", interactive=False, scale=0)
        delete = gr.Button("Delete", variant="stop", interactive=False, scale=0)
    with gr.Accordion("Make a webhook", open=False):
        url = gr.Textbox("", label="Address", placeholder="https://example.com/hook", max_length=2048, elem_id="new-hook")
        make = gr.Button("Make it", variant="primary")
        made = gr.Textbox(
            label="The key that signs its deliveries: copy it now, it is shown this once", visible=False, interactive=False,
            show_copy_button=True,
        )  # fmt: skip
    with gr.Row():
        gr.Markdown("### Deliveries")
        refresh = gr.Button("Refresh", scale=0)
    log = table(LOG, "deliveries")

    @told
    def show() -> tuple[list[list[str]], list[list[str]]]:
        with service.database.reading() as session:
            rows = [
                [row.id, row.url, ", ".join(row.events) or "all", "yes" if row.active else "no", when(row.created),
                 row.description]
                for row in session.scalars(select(Webhook).order_by(Webhook.created))
            ]  # fmt: skip
            lines = [
                [when(row.updated), row.webhook_id, row.event, row.status, str(row.tries), str(row.answer or ""), row.error or ""]
                for row in session.scalars(select(Delivery).order_by(Delivery.created.desc()).limit(LINES))
            ]
        return rows, lines

    def choose(event: gr.SelectData) -> tuple[str, str, Any, Any]:
        row: Any = event.row_value
        return chosen(event), f"Chosen: {row[1]}", gr.Button(interactive=True), gr.Button(interactive=True)

    @told
    def create(address: str, request: gr.Request) -> Any:
        # The same rules as those of a call; pydantic's own sentence would not be one.
        if not 8 <= len(address.strip()) <= 2048:
            raise Invalid("That is no address: give one like https://example.com/hook.")
        new = api.create_webhook(service, whoever_asks(request), api.NewWebhook(url=address.strip(), description=""))
        return gr.Textbox(value=new.data.secret, visible=True)

    @told
    def try_it(which_one: str, request: gr.Request) -> None:
        api.send_test(service, whoever_asks(request), which_one)
        gr.Info("A test is on its way: its delivery shows below in a moment.")

    @told
    def remove(which_one: str, request: gr.Request) -> tuple[str, Any, Any]:
        api.delete_webhook(service, whoever_asks(request), which_one)
        return "It was deleted.", gr.Button(interactive=False), gr.Button(interactive=False)

    listed: dict[str, Any] = {"fn": show, "inputs": None, "outputs": [hooks, log], **QUICK}
    gr.on([tab.select, refresh.click], **listed)
    tab.select(lambda: gr.Textbox(value="", visible=False), None, made, **QUICK)
    make.click(create, url, made, **QUICK).success(**listed)
    hooks.select(choose, None, [number, which, test, delete], **QUICK)
    test.click(try_it, number, None, **QUICK).success(**listed)
    delete.click(remove, number, [which, test, delete], **QUICK).success(**listed)

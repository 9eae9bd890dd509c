"""How much each secret took, day by day."""

from __future__ import annotations

import gradio as gr
from sqlalchemy import func, select

from bithuman_core.service.admin.acting import QUICK, told
from bithuman_core.service.admin.table import table
from bithuman_core.service.admin.words import when
from bithuman_core.service.context import Service
from bithuman_core.service.data.tables import Secret, Usage
from bithuman_core.service.secrets.quotas import DAY, MADE, REQUESTS

COLUMNS = ("Day (UTC)", "Secret", "Name", "Requests", "Agents and videos made")
DAYS = 14


def build(service: Service, tab: gr.Tab) -> None:
    """The tab's contents, shown when it is opened."""
    gr.Markdown(f"The last {DAYS} days, the newest first.")
    usage = table(COLUMNS, "usage")

    @told
    def show() -> list[list[str]]:
        begin = int(service.now() // DAY * DAY) - (DAYS - 1) * DAY
        day = Usage.begin - Usage.begin % DAY
        taken = (
            select(day.label("day"), Usage.secret_id, Usage.kind, func.sum(Usage.amount))
            .where(Usage.begin >= begin).group_by("day", Usage.secret_id, Usage.kind)
        )  # fmt: skip
        amounts = dict[tuple[int, str], dict[str, int]]()
        with service.database.reading() as session:
            for at, secret_id, kind, amount in session.execute(taken):
                amounts.setdefault((int(at), secret_id), {})[kind] = int(amount)
            names = {row.id: row.name for row in session.execute(select(Secret.id, Secret.name))}
        return [
            [when(at)[:10], secret_id, names.get(secret_id, ""), str(each.get(REQUESTS, 0)), str(each.get(MADE, 0))]
            for (at, secret_id), each in sorted(amounts.items(), key=lambda item: (-item[0][0], item[0][1]))
        ]

    tab.select(show, None, usage, **QUICK)

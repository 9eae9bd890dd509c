"""How it stands: what is live now, and the load of the day."""

from __future__ import annotations

import gradio as gr
from sqlalchemy import func, select

from bithuman_core.service.admin.acting import QUICK, told
from bithuman_core.service.admin.plot import day_plot
from bithuman_core.service.admin.words import figures
from bithuman_core.service.context import Service
from bithuman_core.service.data.tables import Agent, Job
from bithuman_core.service.jobs.queue import FAILED
from bithuman_core.service.load import live_now, of_a_day, open_jobs
from bithuman_core.service.secrets.quotas import DAY


def build(service: Service, page: gr.Blocks, ticking: gr.Timer) -> None:
    """The tab's contents, shown with the page, and anew with each tick."""
    numbers = gr.HTML(elem_id="numbers", padding=False)
    gr.Markdown("### The last 24 hours (UTC)")
    plot = gr.HTML(elem_id="day", padding=False)

    @told
    def show() -> tuple[str, str]:
        now = service.now()
        with service.database.reading() as session:
            failed = select(func.count()).select_from(Job).where(Job.status == FAILED, Job.updated > now - DAY)
            shown = {
                "avatars live": live_now(session, now),
                "agents": session.scalar(select(func.count()).select_from(Agent)) or 0,
                "jobs open": open_jobs(session),
                "jobs failed today": session.scalar(failed) or 0,
            }
            points = of_a_day(session, now)
        return figures({**shown, "requests a minute": f"{points[-1].requests:.0f}"}), day_plot(points)

    gr.on([page.load, ticking.tick], show, None, [numbers, plot], **QUICK)

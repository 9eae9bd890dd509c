"""What is being made, what waits, what failed and why."""

from __future__ import annotations

import gradio as gr
from sqlalchemy import select

from bithuman_core.service.admin.acting import QUICK, told
from bithuman_core.service.admin.table import table
from bithuman_core.service.admin.words import when
from bithuman_core.service.context import Service
from bithuman_core.service.data.tables import Job
from bithuman_core.service.jobs.queue import DONE, FAILED, QUEUED, RUNNING

MOST = 200
COLUMNS = ("Job", "Makes", "Agent", "Status", "Stage", "Tries", "Begun", "Last change", "What is wrong")
STATES = (QUEUED, RUNNING, DONE, FAILED)


def build(service: Service, tab: gr.Tab, ticking: gr.Timer) -> None:
    """The tab's contents, shown when it is opened, and anew with each tick."""
    states = gr.CheckboxGroup(list(STATES), value=list(STATES), label="Status", elem_id="job-states")
    jobs = table(COLUMNS, "jobs")

    @told
    def show(wanted: list[str]) -> list[list[str]]:
        newest = select(Job).where(Job.status.in_(wanted)).order_by(Job.created.desc()).limit(MOST)
        with service.database.reading() as session:
            return [
                [job.id, job.kind, job.agent_code, job.status, _stage(job), str(job.tries), when(job.created), when(job.updated),
                 job.error or ""]
                for job in session.scalars(newest)
            ]  # fmt: skip

    gr.on([tab.select, ticking.tick, states.change], show, states, jobs, **QUICK)


def _stage(job: Job) -> str:
    return f"{job.stage} {job.share:.0%}" if job.status == RUNNING else ""

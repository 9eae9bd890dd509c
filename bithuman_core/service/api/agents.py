"""``/v1/agents`` and ``/v1/agent/{code}``: the agents there are."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from bithuman_core.service.api.access import Builder, Reader
from bithuman_core.service.api.files import AS_FILE, AVATAR_TYPE, streamed
from bithuman_core.service.api.models import Answer, Done, told
from bithuman_core.service.context import InService
from bithuman_core.service.data.identifiers import CODE_PATTERN
from bithuman_core.service.data.tables import Agent, Job
from bithuman_core.service.errors import AgentFailed, AgentNotFound, AgentProcessing, Invalid
from bithuman_core.service.jobs.queue import QUEUED, RUNNING
from bithuman_core.service.secrets.audit import note
from bithuman_core.service.webhooks.events import emit

router = APIRouter(tags=["agents"])

MOST = 100  # a page
NO_CURSOR = "cursor: that is none; take next_cursor of the page before."

Code = Annotated[str, InPath(pattern=CODE_PATTERN, description="the agent's code", examples=["A12ABC3456"])]


class AgentCard(BaseModel):
    """An agent. ``status``: processing, generating, ready or failed."""

    agent_id: str
    agent_code: str
    name: str
    status: str
    event_type: str | None = Field(None, description="what is being done, while it is made")
    progress: float = Field(description="of the making, 0..1")
    error_message: str | None
    notes: list[str] = Field(description="sentences about what the photo or clip lacked")
    system_prompt: str
    image_url: str | None
    video_url: None = None
    model_url: str | None
    created_at: str
    updated_at: str


class Page(BaseModel):
    """A page of agents, the newest first."""

    success: bool = True
    data: list[AgentCard]
    total: int
    next_cursor: str | None = Field(description="for the next page; null on the last one")


class Change(BaseModel):
    """What is to be different; the rest stays."""

    system_prompt: str | None = Field(None, max_length=20_000)
    name: str | None = Field(None, min_length=1, max_length=100)


class Changed(BaseModel):
    """It is."""

    success: bool = True
    agent_code: str
    updated: bool = True


@router.get("/v1/agents", summary="All agents, a page at a time")
def list_agents(
    request: Request,
    service: InService,
    _: Reader,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 20,
    cursor: Annotated[str | None, Query(max_length=80)] = None,
) -> Page:
    """The newest first. New ones that come meanwhile do not shift the pages."""
    wanted = select(Agent).order_by(Agent.created.desc(), Agent.code.desc()).limit(limit + 1)
    if cursor is not None:
        wanted = wanted.where(tuple_(Agent.created, Agent.code) < _place(cursor))
    with service.database.reading() as session:
        rows = list(session.scalars(wanted))
        total = session.scalar(select(func.count()).select_from(Agent)) or 0
        shown = rows[:limit]
        jobs = _jobs(session, [row.code for row in shown if row.status == "processing"])
        cards = [_card(row, jobs.get(row.code), request) for row in shown]
    further = f"{shown[-1].created!r}:{shown[-1].code}" if len(rows) > limit else None
    return Page(data=cards, total=total, next_cursor=further)


@router.get("/v1/agent/status/{code}", summary="How far the making of an agent is")
def agent_status(request: Request, service: InService, _: Reader, code: Code) -> Answer[AgentCard]:
    """Ask until ``status`` is ready or failed."""
    return _told(request, service, code)


@router.get("/v1/agent/{code}", summary="One agent")
def get_agent(request: Request, service: InService, _: Reader, code: Code) -> Answer[AgentCard]:
    """What is known of it."""
    return _told(request, service, code)


@router.post("/v1/agent/{code}", summary="Change an agent's persona or name")
def change_agent(service: InService, holder: Builder, code: Code, change: Change) -> Changed:
    """Without making it anew."""
    with service.database.writing() as session:
        agent = found(session, code, to_change=True)
        if change.system_prompt is not None:
            agent.prompt = change.system_prompt
        if change.name is not None:
            agent.name = change.name
        agent.updated = service.now()
        note(session, service.now(), holder.id, "agent.change", code)
    return Changed(agent_code=code)


@router.delete("/v1/agent/{code}", summary="Delete an agent")
def delete_agent(service: InService, holder: Builder, code: Code) -> Done:
    """With its avatar, its videos, and the photo or clip where it was still being made: row and file."""
    with service.database.writing() as session:
        agent = found(session, code, to_change=True)
        files = [agent.model, agent.still]
        for job in session.scalars(select(Job).where(Job.agent_code == code).with_for_update()):
            files += [job.source, job.result]
            session.delete(job)
        session.flush()
        session.delete(agent)
        for sha256 in files:
            service.storage.drop(session, sha256)
        emit(session, "agent.deleted", {"agent_id": code, "code": code}, service.now())
        note(session, service.now(), holder.id, "agent.delete", code)
    return Done(message="The agent was deleted.")


@router.get("/v1/agent/{code}/model/download", summary="The avatar file (.imx)", **AS_FILE)
def download_model(service: InService, _: Reader, code: Code) -> StreamingResponse:
    """As bithuman_core.open, the page and the worker take it."""
    with service.database.reading() as session:
        model = ready(session, code).model
    return streamed(service.storage.open(str(model)), AVATAR_TYPE, f"{code}.imx")


@router.get("/v1/agent/{code}/still", summary="A picture of the agent at rest (WebP)", **AS_FILE)
def download_still(service: InService, _: Reader, code: Code) -> StreamingResponse:
    """For lists of agents."""
    with service.database.reading() as session:
        still = ready(session, code).still
    return streamed(service.storage.open(str(still)), "image/webp", f"{code}.webp")


def found(session: Session, code: str, *, to_change: bool = False) -> Agent:
    """An agent. Raises AgentNotFound."""
    agent = session.get(Agent, code, with_for_update=to_change or None)
    if agent is None:
        raise AgentNotFound(f"There is no agent {code}: GET /v1/agents lists them.")
    return agent


def ready(session: Session, code: str) -> Agent:
    """An agent that has an avatar. Raises AgentNotFound, AgentProcessing, AgentFailed."""
    agent = found(session, code)
    if agent.status == "failed":
        raise AgentFailed(f"The agent {code} could not be made: {agent.error}")
    if agent.model is None:
        raise AgentProcessing(f"The agent {code} is still being made: ask for its status until it is ready.", retry=5)
    return agent


def _told(request: Request, service: InService, code: str) -> Answer[AgentCard]:
    with service.database.reading() as session:
        agent = found(session, code)
        return Answer(data=_card(agent, _jobs(session, [code]).get(code), request))


def _jobs(session: Session, codes: list[str]) -> dict[str, Job]:
    """The jobs that make agents."""
    wanted = select(Job).where(Job.kind == "agent", Job.agent_code.in_(codes), Job.status.in_((QUEUED, RUNNING)))
    return {job.agent_code: job for job in session.scalars(wanted)} if codes else {}


def _card(agent: Agent, job: Job | None, request: Request) -> AgentCard:
    begun = job is not None and job.status == RUNNING
    made = agent.model is not None
    return AgentCard(
        agent_id=agent.code, agent_code=agent.code, name=agent.name, status="generating" if begun else agent.status,
        event_type=job.stage if job else None, progress=round(job.share, 3) if job else float(made), error_message=agent.error,
        notes=agent.notes, system_prompt=agent.prompt,
        image_url=str(request.url_for("download_still", code=agent.code)) if made else None,
        model_url=str(request.url_for("download_model", code=agent.code)) if made else None,
        created_at=told(agent.created), updated_at=told(agent.updated),
    )  # fmt: skip


def _place(cursor: str) -> tuple[float, str]:
    created, _, code = cursor.partition(":")
    try:
        return float(created), code
    except ValueError:
        raise Invalid(NO_CURSOR) from None

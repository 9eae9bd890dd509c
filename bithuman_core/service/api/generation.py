"""``/v1/agent/generate``: an agent of a photo, a clip or an avatar file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import AliasChoices, BaseModel, Field
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bithuman_core.imx.bounds import as_name
from bithuman_core.service.api.access import Builder
from bithuman_core.service.api.bodies import Body, described, read_body
from bithuman_core.service.context import InService, Service
from bithuman_core.service.data.identifiers import CODE_PATTERN, agent_code, identifier
from bithuman_core.service.data.tables import Agent, Job
from bithuman_core.service.errors import AgentExists, ConsentNeeded, MissingParam
from bithuman_core.service.jobs.queue import QUEUED
from bithuman_core.service.secrets.audit import note
from bithuman_core.service.secrets.quotas import take_made
from bithuman_core.service.secrets.store import Holder
from bithuman_core.service.storage import Coming
from bithuman_core.worker.avatars import is_avatar_file

router = APIRouter(tags=["agents"])

NAMES = ("image", "video", "model", "file")
TRIES = 5  # of codes that may be taken
MOST_CONSENT = 2000  # characters
NO_SOURCE = "No picture came: send image, video or model (an address, base64, an uploaded file's id, or a form's upload)."
CONSENT = (
    "Avatars of people need consent: say in the field consent who agreed to an avatar of this person and how, "
    'for example "I am the person in the photo".'
)


class NewAgent(BaseModel):
    """One of image, video and model is needed, and with the first two consent."""

    image: str | None = Field(None, description="a portrait: address, base64, or the id of an uploaded file")
    video: str | None = Field(None, description="a short clip of a person, likewise")
    model: str | None = Field(None, description="an .imx file, likewise")
    file: str | None = Field(None, description="a form's upload of any of them")
    consent: str | None = Field(None, max_length=MOST_CONSENT, description="who agreed to this avatar and how; kept in its file")
    name: str = Field("", max_length=100)
    prompt: str = Field(
        "", max_length=20_000, validation_alias=AliasChoices("prompt", "system_prompt", "persona"), description="its persona"
    )
    agent_id: str | None = Field(None, pattern=CODE_PATTERN, description="a code of your own; left out, one is made")
    aspect_ratio: Literal["1:1", "9:16", "16:9"] = "1:1"
    face: int | None = Field(None, ge=1, le=99, description="which face, where there are several: 1 is the largest")


class Started(BaseModel):
    """It is being made: ask for its status, or have a webhook told."""

    success: bool = True
    message: str = "Agent generation started"
    agent_id: str
    agent_code: str
    status: str = "processing"


async def _new_agent(request: Request, service: InService, _: Builder) -> AsyncIterator[Body[NewAgent]]:
    async with read_body(request, service, NewAgent, NAMES) as body:
        yield body


@router.post("/v1/agent/generate", summary="Make an agent", openapi_extra=described(NewAgent, NAMES))
def generate(service: InService, holder: Builder, body: Annotated[Body[NewAgent], Depends(_new_agent)]) -> Started:
    """Answers at once; the avatar is made in the background."""
    file = next((body.files[name] for name in NAMES if name in body.files), None)
    if file is None:
        raise MissingParam(NO_SOURCE)
    said, consent = body.said, (body.said.consent or "").strip()
    if not consent and not is_avatar_file(file.path):
        raise ConsentNeeded(CONSENT)
    with service.storage.bringing(file.path) as coming:
        code = _begin(service, holder, said, consent, coming)
    service.runner.wake()
    return Started(agent_id=code, agent_code=code)


def _begin(service: Service, holder: Holder, said: NewAgent, consent: str, coming: Coming) -> str:
    """An agent and the job that makes it; the agent's code. Raises AgentExists."""
    for _ in range(1 if said.agent_id else TRIES):
        code = said.agent_id or agent_code()
        with suppress(IntegrityError), service.database.writing() as session:
            _add(service, session, holder, code, said, consent, coming)
            return code
    raise AgentExists(f"There is an agent {said.agent_id or ''} already: choose another agent_id, or delete it first.")


def _add(
    service: Service, session: Session, holder: Holder, code: str, said: NewAgent, consent: str, coming: Coming
) -> None:
    now, name = service.now(), as_name(said.name.strip()) or code
    given = {"name": name, "consent": consent, "aspect": said.aspect_ratio, "face": said.face}
    take_made(session, holder.id, holder.per_day, now)
    session.add(Agent(
        code=code, name=name, prompt=said.prompt, status="processing", error=None, consent=consent or None, notes=[], model=None,
        still=None, secret_id=holder.id, created=now, updated=now,
    ))  # fmt: skip
    session.flush()  # the code is taken, or not, before the file is kept
    source = service.storage.keep(session, coming)
    session.add(Job(
        id=identifier("job_"), kind="agent", agent_code=code, given=given, status=QUEUED, tries=0, due=now, holder=None,
        stage="queued", share=0.0, error=None, source=source, result=None, secret_id=holder.id, created=now, updated=now,
    ))  # fmt: skip
    note(session, now, holder.id, "agent.generate", code)

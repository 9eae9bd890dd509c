"""``/v1/agent/{code}/embed``: for which sites an agent is published, so that their pages may show it to everybody."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from bithuman_core.service.api.access import Builder, Reader
from bithuman_core.service.api.agents import Code, found
from bithuman_core.service.api.models import Answer
from bithuman_core.service.context import InService
from bithuman_core.service.embed.origins import Origins
from bithuman_core.service.secrets.audit import note

router = APIRouter(tags=["embedding"])


class Publication(BaseModel):
    """The sites; none: the agent is shown where a token says so alone."""

    origins: Origins = Field(description="as browsers say them in Origin: https://example.org")


@router.get("/v1/agent/{code}/embed", summary="For which sites an agent is published")
def get_publication(service: InService, _: Reader, code: Code) -> Answer[Publication]:
    """Their pages need no token."""
    with service.database.reading() as session:
        return Answer(data=Publication(origins=found(session, code).embed_origins))


@router.put("/v1/agent/{code}/embed", summary="Publish an agent for sites")
def publish(service: InService, holder: Builder, code: Code, publication: Publication) -> Answer[Publication]:
    """In place of those before. An empty list takes it back; who is live stays so until the visit ends."""
    with service.database.writing() as session:
        found(session, code, to_change=True).embed_origins = publication.origins
        note(session, service.now(), holder.id, "agent.publish", code)
    return Answer(data=publication)

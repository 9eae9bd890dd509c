"""``/v1/embed-tokens``: what a page of another site may hold, for it opens one agent for that site, and not for long."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, Field

from bithuman_core.service.api.access import AsBearer, Speaking
from bithuman_core.service.api.agents import ready
from bithuman_core.service.api.envelope import SHOWN_TO
from bithuman_core.service.api.models import Answer, told
from bithuman_core.service.context import InService
from bithuman_core.service.data.identifiers import CODE_PATTERN
from bithuman_core.service.embed.origins import LONGEST, Origins
from bithuman_core.service.errors import Forbidden, MissingAuth
from bithuman_core.service.secrets.audit import note

router = APIRouter(tags=["embedding"])

EMBED = "bithuman-embed"  # whom a token is for
SECONDS, MOST_SECONDS = 600, 3600
NO_TOKEN = "No embed token came with the request: send it as Authorization: Bearer."
OTHER_SITE = "That embed token is for other sites: name this one among its origins."


class NewEmbedToken(BaseModel):
    """For which agent, and for pages of which sites (``https://example.org``, as browsers say it in ``Origin``)."""

    agent_code: str = Field(pattern=CODE_PATTERN)
    origins: Annotated[Origins, Field(min_length=1)]
    seconds: int = Field(SECONDS, ge=30, le=MOST_SECONDS)


class EmbedToken(BaseModel):
    """It may stand in a page."""

    token: str
    expires_in: int
    expires_at: str


class EmbeddedAgent(BaseModel):
    """What a page is told of the agent that it shows."""

    agent_code: str
    name: str


@router.post("/v1/embed-tokens", summary="A token for a page that shows an agent")
def create_embed_token(service: InService, holder: Speaking, new: NewEmbedToken) -> Answer[EmbedToken]:
    """Your own server asks for it, for each visitor; the secret stays there."""
    with service.database.writing() as session:
        ready(session, new.agent_code)
        note(session, service.now(), holder.id, "embed.token", new.agent_code)
    token, ends = service.tokens.issue(holder.id, EMBED, new.seconds, agent=new.agent_code, origins=new.origins)
    return Answer(data=EmbedToken(token=token, expires_in=new.seconds, expires_at=told(ends)))


@router.get("/v1/embed/agent", summary="The agent that an embed token opens")
def embedded_agent(
    service: InService, request: Request, bearer: AsBearer, origin: Annotated[str | None, Header(max_length=LONGEST)] = None
) -> Answer[EmbeddedAgent]:
    """Asked by the page itself, from one of the token's origins."""
    if bearer is None:
        raise MissingAuth(NO_TOKEN)
    claims = service.tokens.read(bearer.credentials, EMBED)
    if (origin or "").lower() not in claims["origins"]:
        raise Forbidden(OTHER_SITE)
    request.scope[SHOWN_TO] = origin
    with service.database.reading() as session:
        agent = ready(session, claims["agent"])
        return Answer(data=EmbeddedAgent(agent_code=agent.code, name=agent.name))

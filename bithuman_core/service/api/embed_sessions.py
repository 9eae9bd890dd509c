"""``/v1/embed/sessions`` and ``/v1/embed/offer``: a page of another site shows an avatar that lives."""

from __future__ import annotations

import math
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from bithuman_core.conversation import Line
from bithuman_core.service.api.access import AsBearer
from bithuman_core.service.api.agents import ready
from bithuman_core.service.api.embedding import EMBED, NO_TOKEN, OTHER_SITE
from bithuman_core.service.api.envelope import SHOWN_TO
from bithuman_core.service.api.models import Answer
from bithuman_core.service.context import InService, Service
from bithuman_core.service.data.identifiers import CODE_PATTERN
from bithuman_core.service.data.tables import Agent
from bithuman_core.service.embed.agent import ShownAgent
from bithuman_core.service.embed.origins import Origin, is_own_page, origin_of
from bithuman_core.service.errors import Forbidden, MissingAuth, MissingParam, NotInstalled

if TYPE_CHECKING:
    from bithuman_core.service.embed.visits import Embeds  # which brings FastRTC along

router = APIRouter(tags=["embedding"])

SESSION = "bithuman-embed-session"  # whom a token is for
VISIT = "bithuman-embed-visit"  # and one that goes on with a visit after its connection was lost
SECONDS, VISIT_SECONDS = 600, 86_400
MAX_SDP = 64 * 1024  # characters; Chromium's offers have some 6 thousand
PREFLIGHT = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "authorization, content-type",
             "Access-Control-Allow-Methods": "GET, POST", "Access-Control-Max-Age": "600"}  # fmt: skip
NO_SITE = "The header Origin is missing, by which browsers say whose page asks."
NO_AGENT = "agent_code is missing: say which agent the page shows, or send an embed token."
NOT_PUBLISHED = "This agent is not published for this site: its owner can add the site (PUT /v1/agent/{code}/embed)."
OTHER_AGENT = "That embed token is for another agent: ask for one for this agent."
NOT_HERE = "This server shows no live avatars on other sites: its host can install 'bithuman-core[fastrtc]' and say --embeds 2."
WITHOUT_LIVE: dict[int | str, dict[str, Any]] = {501: {"description": "the server has no live avatars"}}


class NewEmbedSession(BaseModel):
    """With an embed token (``Authorization: Bearer``) nothing is needed; without one, the agent, which is published then."""

    agent_code: str | None = Field(None, pattern=CODE_PATTERN)
    site: Origin | None = Field(None, description="said by the service's own page in a frame: who frames it")


class EmbedSession(BaseModel):
    """What a page needs to show the avatar. ``token`` is for /v1/embed/offer, from the same page."""

    token: str
    expires_in: int
    agent_code: str
    name: str
    still: str | None = Field(description="a picture of it at rest, WebP in base64")
    answers: bool = Field(description="whether it answers those who write or speak; else it says what it is sent")
    hears: bool = Field(description="whether the microphone is understood")
    seconds: float | None = Field(description="the longest visit; null: without an end")
    rtc: dict[str, Any] = Field(description="RTCConfiguration, and relay: none, ready or failed")
    recovers: bool = Field(description="whether a visit goes on elsewhere when its server dies: worth a look every half second")


class Said(BaseModel):
    """What one of the two said before, in a talk that goes on."""

    who: Literal["user", "avatar"]
    text: str = Field(max_length=4000)


class EmbedOffer(BaseModel):
    """A browser's offer with all its candidates: sound and pictures both ways, and a data channel."""

    sdp: str = Field(min_length=1, max_length=MAX_SDP)
    said: list[Said] = Field(default_factory=list, max_length=40)
    resume: str | None = Field(None, max_length=2048, description="of the answer before, where that connection was lost")


class EmbedAnswer(BaseModel):
    """The answer, with all candidates of the server."""

    session_id: str
    type: str
    sdp: str
    resume: str = Field(description="goes with the next offer where this connection is lost: the visit goes on, anywhere")


@dataclass(frozen=True, slots=True)
class Opened:
    """What a token, or its being published, opens. origin: of the page that asks; framed: it is the service's own, in a frame."""

    agent: ShownAgent
    still: str | None
    origin: str
    framed: bool
    published: bool


@router.options("/v1/embed/{call}", include_in_schema=False)
async def may_ask(call: str) -> Response:
    """Pages of any site may ask; what they show says of which they are answered."""
    return Response(status_code=204, headers=PREFLIGHT)


def _opened(request: Request, service: InService, bearer: AsBearer, new: NewEmbedSession) -> Opened:
    """By an embed token, or because the agent is published."""
    origin, framed = origin_of(request), is_own_page(request)
    if not origin:
        raise Forbidden(NO_SITE)
    site = (new.site or "") if framed else origin
    code, token = new.agent_code, bearer is not None
    if bearer is not None:
        claims = service.tokens.read(bearer.credentials, EMBED)
        if site not in claims["origins"]:
            raise Forbidden(OTHER_SITE)
        if code not in (None, claims["agent"]):
            raise Forbidden(OTHER_AGENT)
        code = claims["agent"]
    if code is None:
        raise MissingParam(NO_AGENT)
    with service.database.reading() as session:
        agent = ready(session, code)
        if not token:
            _check_published(agent, origin, framed=framed)
        request.scope[SHOWN_TO] = origin
        return Opened(_shown(agent, site or origin), agent.still, origin, framed, published=not token)


def _continued(request: Request, service: InService, bearer: AsBearer) -> ShownAgent:
    """By the token of a session, of the same page."""
    if bearer is None:
        raise MissingAuth(NO_TOKEN)
    claims = service.tokens.read(bearer.credentials, SESSION)
    if origin_of(request) != claims["origin"]:
        raise Forbidden(OTHER_SITE)
    request.scope[SHOWN_TO] = claims["origin"]
    with service.database.reading() as session:
        agent = ready(session, claims["agent"])
        if claims["published"]:  # it may have been taken back meanwhile
            _check_published(agent, claims["origin"], framed=claims["framed"])
        return _shown(agent, claims["site"])


@router.post("/v1/embed/sessions", summary="Begin to show an agent on a page", responses=WITHOUT_LIVE)
async def create_embed_session(service: InService, opened: Annotated[Opened, Depends(_opened)]) -> Answer[EmbedSession]:
    """Asked by the page itself, which is on one of the sites that the agent is published for, or has an embed token."""
    embeds, agent = _embeds(service), opened.agent
    token, still = await run_in_threadpool(_begin, service, opened)
    seconds = embeds.seconds if math.isfinite(embeds.seconds) else None
    rtc = await embeds.route.configuration()
    return Answer(
        data=EmbedSession(
            token=token, expires_in=SECONDS, agent_code=agent.code, name=agent.name, still=still, answers=embeds.answers,
            hears=embeds.hears, seconds=seconds, rtc=rtc, recovers=embeds.recovers,
        )
    )  # fmt: skip


@router.post("/v1/embed/offer", summary="Connect a page with a living avatar", responses=WITHOUT_LIVE)
async def offer(
    request: Request, service: InService, agent: Annotated[ShownAgent, Depends(_continued)], offer: EmbedOffer
) -> Answer[EmbedAnswer]:
    """One offer, one answer; the rest goes over the data channel, so that any replica may be asked."""
    said = [Line(line.who, line.text) for line in offer.said]
    host = request.client.host if request.client else None
    before = None if offer.resume is None else await run_in_threadpool(_before, service, offer.resume, agent)
    number, answer = await _embeds(service).offer(agent, offer.sdp, said, host, before)
    resume, _ = await run_in_threadpool(service.tokens.issue, number, VISIT, VISIT_SECONDS, agent=agent.code)
    return Answer(data=EmbedAnswer(session_id=number, type=answer["type"], sdp=answer["sdp"], resume=resume))


def _before(service: Service, resume: str, agent: ShownAgent) -> str:
    """The number of the visit that goes on."""
    claims = service.tokens.read(resume, VISIT)
    if claims["agent"] != agent.code:
        raise Forbidden(OTHER_AGENT)
    return claims["sub"]


def _begin(service: Service, opened: Opened) -> tuple[str, str | None]:
    """(token, still in base64)."""
    agent = opened.agent
    token, _ = service.tokens.issue(
        agent.code, SESSION, SECONDS, agent=agent.code, site=agent.site, origin=opened.origin, framed=opened.framed,
        published=opened.published,
    )  # fmt: skip
    if opened.still is None:
        return token, None
    with service.storage.open(opened.still) as picture:
        return token, b64encode(picture.read()).decode()


def _check_published(agent: Agent, origin: str, *, framed: bool) -> None:
    """The service's own page in a frame is only shown by the sites that it names to the browser (``frame-ancestors``)."""
    if origin not in agent.embed_origins and not (framed and agent.embed_origins):
        raise Forbidden(NOT_PUBLISHED.format(code=agent.code))


def _shown(agent: Agent, site: str) -> ShownAgent:
    return ShownAgent(agent.code, agent.name, agent.prompt, str(agent.model), site)


def _embeds(service: Service) -> Embeds:
    if service.embeds is None:
        raise NotInstalled(NOT_HERE)
    return service.embeds

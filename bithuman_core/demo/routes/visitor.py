"""Routes of a page's coming, connecting and leaving."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, ValidationError
from starlette.requests import ClientDisconnect

from bithuman_core.demo.context import DemoContext, InDemo, OfVisitor
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.visitors.visitor import Visitor
from bithuman_core.demo.visitors.visitors import UNKNOWN_VISIT
from bithuman_core.fastrtc.candidates import CandidateError, add_candidate
from bithuman_core.fastrtc.negotiation import NotWanted, follow_offer
from bithuman_core.fastrtc.offers import OfferError, check_offer

router = APIRouter()

MAX_SDP = 64 * 1024  # characters; Chromium's offers have some 6 thousand
MAX_SECRET = 100
MISUNDERSTOOD = "The server did not understand this page: reload it."


class Offer(BaseModel):
    """An offer of the page's, or one of its ICE candidates."""

    type: str = Field(max_length=20)
    webrtc_id: str = Field(min_length=8, max_length=64)
    sdp: str | None = Field(None, max_length=MAX_SDP)
    candidate: dict[str, Any] | None = None


@router.post("/visit")
async def open_visit(request: Request, context: InDemo) -> dict[str, str]:
    """The secret of a new visit, for clients without the Gradio page (which opens its own when it comes)."""
    return {"visit": context.visitors.open(request.client.host if request.client else None).secret}


@router.post("/visit/here", status_code=204)
async def stay(visit: OfVisitor) -> None:
    """The page is still open (finding the visit has noted it)."""


@router.post("/visit/leave", status_code=204)
async def leave(request: Request, context: InDemo) -> Response:
    """The page is closed. The secret is the body: beacons carry no headers."""
    if int(request.headers.get("content-length") or MAX_SECRET + 1) <= MAX_SECRET:  # digits, says the body guard
        with suppress(ClientDisconnect):  # the page was quicker; its line breaks as well
            await context.visitors.close((await request.body()).decode("ascii", "replace"))
    return Response(status_code=204)


@router.post("/visit/place")
async def ask_for_a_place(context: InDemo, visit: OfVisitor) -> dict[str, int]:
    """``ahead``: 0, come in; else the position in the line."""
    return {"ahead": context.visitors.ahead(visit)}


@router.post("/visit/hang-up/{webrtc_id}", status_code=204)
async def hang_up(webrtc_id: str, context: InDemo, visit: OfVisitor) -> None:
    """End this connection, or wait no longer. A later connection of the same page is another one, and stays."""
    if visit.connection in (webrtc_id, None):
        await context.visitors.hang_up(visit)


@router.get("/rtc-config")
async def rtc_config(context: InDemo) -> dict[str, Any]:
    """The browser's RTCConfiguration."""
    return await context.route.configuration()


@router.post("/webrtc/offer")
async def offer(request: Request, context: InDemo, visit: OfVisitor) -> Any:
    """FastRTC's signalling: an answer, or ``{"status": "failed", ...}``. Of a page that nobody knows nothing is read."""
    try:
        offer = Offer.model_validate_json(await request.body())
    except ValidationError as error:
        raise Refusal(422, MISUNDERSTOOD) from error
    if offer.type == "ice-candidate":
        if visit.connection != offer.webrtc_id:
            raise Refusal(409, "That connection has ended: press Start again.")
        return await _add_candidate(context, offer)
    if offer.type != "offer" or not offer.sdp:
        raise Refusal(422, "That is no offer of a connection: reload the page.")
    if not visit.offers.take():
        raise Refusal(429, "This page has tried to connect too often: wait half a minute, then press Start.", retry=30)
    try:
        check_offer(offer.sdp)
    except OfferError as error:
        raise Refusal(422, str(error)) from error
    async with visit.negotiating:  # the page lost its connection and comes back, perhaps twice
        return await _take_place(context, visit, offer)


async def _take_place(context: DemoContext, visit: Visitor, offer: Offer) -> Any:
    if visit.connection is not None:
        await context.visitors.hang_up(visit)
    if offer.webrtc_id in context.stream.pcs:
        raise Refusal(409, "That connection is already open: reload the page.")
    if visit.closed:
        raise Refusal(410, UNKNOWN_VISIT)
    if ahead := context.visitors.ahead(visit):
        return {"status": "failed", "meta": {"error": "concurrency_limit_reached", "ahead": ahead}}
    visit.connection, visit.entering = offer.webrtc_id, True  # from here on the place is taken
    context.visitors.waiting_line.leave(visit.secret)
    connected = False
    try:
        answer = await follow_offer(
            context.stream, context.route, offer.model_dump(), visit, lambda: visit.connection == offer.webrtc_id
        )
        connected = True
        return answer
    except OfferError as error:
        raise Refusal(422, str(error)) from error
    except NotWanted:
        raise Refusal(409, "That connection has ended: press Start again.") from None
    finally:
        visit.entering = False
        if not connected and visit.connection == offer.webrtc_id:
            visit.connection = None


async def _add_candidate(context: DemoContext, offer: Offer) -> dict[str, str]:
    """Before FastRTC gets to see it, which knows Chromium's candidates only."""
    connection = context.stream.pcs.get(offer.webrtc_id)
    if connection is None:
        raise Refusal(409, "That connection has ended: press Start again.")
    try:
        await add_candidate(connection, offer.candidate or {})
    except CandidateError as error:
        raise Refusal(422, str(error)) from error
    return {"status": "success"}

"""An offer of a browser becomes a connection that belongs to somebody, or leaves nothing behind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from fastrtc import Stream

from bithuman_core.fastrtc.handler import AvatarHandler, ConnectionOwner
from bithuman_core.fastrtc.offers import OfferError
from bithuman_core.fastrtc.stream import close_visit
from bithuman_core.fastrtc.turn import Route, miss_relay

logger = logging.getLogger(__name__)

NEGOTIATION_SECONDS = 10.0
TRACKS = 2  # of every connection: sound and pictures
NOT_UNDERSTOOD = "The server did not understand this browser's offer: reload the page."


class NotWanted(Exception):
    """Whoever offered has gone meanwhile."""


async def follow_offer(
    stream: Stream, route: Route, offer: Mapping[str, Any], owner: ConnectionOwner, wanted: Callable[[], bool]
) -> dict[str, Any]:
    """The answer to ``{type, sdp, webrtc_id}``; the connection is the owner's. Where it raises, nothing is left of it.

    ``wanted()``: whether the owner still waits for it. Raises OfferError, NotWanted.
    """
    answered = False
    try:
        answer = await _answer(stream, route, offer, owner, wanted)
        answered = True
        return answer
    finally:
        if not answered:
            await _give_up(stream, offer["webrtc_id"])


async def _answer(
    stream: Stream, route: Route, offer: Mapping[str, Any], owner: ConnectionOwner, wanted: Callable[[], bool]
) -> dict[str, Any]:
    number = offer["webrtc_id"]
    ways = await route.configuration()
    stream.server_rtc_configuration = stream.convert_to_aiortc_format(ways)  # a server behind NAT needs the relay as well
    try:
        negotiation = stream.handle_offer(offer, stream.set_additional_outputs(number))
        answer = await asyncio.wait_for(negotiation, NEGOTIATION_SECONDS)
    except Exception as error:  # of any kind: what aiortc meets in an SDP
        logger.info("An offer was not understood.", exc_info=error)
        raise OfferError(NOT_UNDERSTOOD) from error
    if not wanted():
        raise NotWanted
    handler = stream.handlers.get(number)
    if not isinstance(answer, dict) or not isinstance(handler, AvatarHandler):
        raise OfferError(NOT_UNDERSTOOD)
    if len(stream.connections.get(number, ())) != TRACKS:  # their lines hold nothing that both sides understand
        raise OfferError(NOT_UNDERSTOOD)
    miss_relay(ways, answer["sdp"])
    handler.bind(owner)  # nothing has been asked of it yet: the browser needs the answer first
    return answer


async def _give_up(stream: Stream, number: str) -> None:
    """Close what an offer has left, else its place would never be free again."""
    try:
        await close_visit(stream, number)
    except Exception as error:  # of any kind: aiortc closes what it has half opened
        logger.info("A connection could not be closed in order.", exc_info=error)

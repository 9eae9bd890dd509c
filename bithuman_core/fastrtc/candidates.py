"""A browser's ICE candidates, handed to aiortc. FastRTC's own parser wants ten words of each; Firefox sends eight."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Mapping
from typing import Any

from aioice.mdns import is_mdns_hostname
from aiortc import RTCIceCandidate, RTCPeerConnection
from aiortc.sdp import candidate_from_sdp

logger = logging.getLogger(__name__)

LONGEST = 512  # characters; those of browsers have some 200
TYPES = ("host", "srflx", "prflx", "relay")
PORTS = range(1 << 16)


class CandidateError(ValueError):
    """What a page sent is no ICE candidate."""

    def __init__(self) -> None:
        super().__init__("The server did not understand an ICE candidate of this browser, and goes on without it.")


def parse_candidate(told: Mapping[str, Any]) -> RTCIceCandidate | None:
    """What ``RTCIceCandidate.toJSON()`` gives in a browser. None: the end of its candidates. Raises CandidateError."""
    text, mid, line = told.get("candidate") or "", told.get("sdpMid"), told.get("sdpMLineIndex")
    if not isinstance(text, str) or len(text) > LONGEST:
        raise CandidateError
    text = text.strip().removeprefix("a=").removeprefix("candidate:")
    if not text:
        return None
    words = text.split()
    try:
        candidate = candidate_from_sdp(text)
    except (AssertionError, ValueError) as error:  # too few words, or letters where numbers belong
        raise CandidateError from error
    known = words[6] == "typ" and candidate.type in TYPES and candidate.port in PORTS and _is_host(candidate.ip)
    if not known or not isinstance(mid, str | None) or not isinstance(line, int | None) or mid is line is None:
        raise CandidateError
    candidate.sdpMid, candidate.sdpMLineIndex = mid, line
    return candidate


def _is_host(name: str) -> bool:
    """An address, or the mDNS name behind which browsers hide theirs until they have the microphone."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return is_mdns_hostname(name)
    return True


async def add_candidate(connection: RTCPeerConnection, told: Mapping[str, Any]) -> None:
    """Give one way to a browser to its connection. Raises CandidateError.

    The end of candidates is not passed on: the browser may still be reached by a way that it learns of later.
    """
    candidate = parse_candidate(told)
    if candidate is None or candidate.component != 1 or connection.connectionState == "closed":
        return  # sound and picture share one component; old Firefox offers a second one
    try:
        await connection.addIceCandidate(candidate)
    except (OSError, asyncio.TimeoutError) as error:  # an mDNS name, and no multicast: the browser's own checks may do
        logger.debug("the candidate %s is left out: %s", candidate.ip, error)

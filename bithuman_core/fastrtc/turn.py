"""How a browser finds the way to the server: directly, or through a relay (TURN) where the host has set one up."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from typing import Any

from fastrtc import get_cloudflare_turn_credentials_async

from bithuman_core.fastrtc.own_turn import OwnTurnError, own_turn, own_turn_is_named

logger = logging.getLogger(__name__)

KEYS = ("CLOUDFLARE_TURN_KEY_ID", "CLOUDFLARE_TURN_KEY_API_TOKEN")
PATIENCE = 5.0  # s, for the answer of the relay's owner
VALID = 300.0  # s: half of what is asked for
STUN = "BITHUMAN_STUN"


def relay_is_set_up() -> bool:
    """Whether the environment names a relay: BITHUMAN_TURN, HF_TOKEN, or both Cloudflare keys."""
    return own_turn_is_named() or bool(os.environ.get("HF_TOKEN", "").strip()) or all(os.environ.get(key) for key in KEYS)


class Route:
    """The RTCConfiguration of browsers and of the server. Without a relay or STUN in the environment nobody is asked.

    A relay goes to both: one relayed end is enough where the other can be reached from the relay, and a server behind NAT cannot.
    """

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}
        self._until = 0.0

    async def configuration(self) -> dict[str, Any]:
        """``iceServers``, and ``relay``: "none", "ready", or "failed" where there is no access to it."""
        if time.monotonic() > self._until:
            self._known = await _ask() if relay_is_set_up() else {"iceServers": [], "relay": "none"}
            self._until = time.monotonic() + (VALID if self._known["relay"] == "ready" else PATIENCE)
        stun = os.environ.get(STUN, "").split()
        return {**self._known, "iceServers": [*({"urls": url} for url in stun), *self._known["iceServers"]]}


def miss_relay(configuration: dict[str, Any], sdp: str) -> None:
    """Log where this server's own description lacks the relay that it is to use: aiortc says nothing when one refuses it."""
    if configuration["relay"] == "ready" and " typ relay" not in sdp:
        logger.warning("The relay (TURN) gave this server no address: check that it runs, its URL and its credentials.")


async def _ask() -> dict[str, Any]:
    if own_turn_is_named():
        try:
            return {"iceServers": [own_turn()], "relay": "ready"}
        except OwnTurnError as error:
            logger.error("%s", error)
            return {"iceServers": [], "relay": "failed"}
    asking = asyncio.ensure_future(get_cloudflare_turn_credentials_async())
    await asyncio.wait([asking], timeout=PATIENCE)
    if not asking.done():
        asking.cancel()
        logger.error("The relay's owner does not answer: visitors behind strict networks cannot connect.")
    elif (error := asking.exception()) is not None:  # FastRTC raises nothing more exact than Exception
        logger.error("The relay's owner gave no access (%s): check HF_TOKEN or the Cloudflare keys.", type(error).__name__)
    else:
        servers = asking.result()["iceServers"]
        return {"iceServers": servers if isinstance(servers, list) else [servers], "relay": "ready"}
    return {"iceServers": [], "relay": "failed"}

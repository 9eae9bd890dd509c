"""A TURN server of the host's own, named by the environment, as an RTCIceServer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import time
from typing import Any

from aiortc.rtcicetransport import parse_stun_turn_uri

URLS = "BITHUMAN_TURN"
USERNAME, PASSWORD = "BITHUMAN_TURN_USERNAME", "BITHUMAN_TURN_PASSWORD"
SECRET = "BITHUMAN_TURN_SECRET"
LIFETIME = 3600  # s, in which an access made of the secret can be used; what is connected by then stays


class OwnTurnError(ValueError):
    """What the environment says about the TURN server cannot be used."""


def own_turn_is_named() -> bool:
    """Whether the environment names a TURN server of the host's own."""
    return bool(os.environ.get(URLS, "").split())


def own_turn() -> dict[str, Any]:
    """``urls``, ``username`` and ``credential`` of it. Raises OwnTurnError.

    aiortc uses the first of the URLs only, browsers all of them.
    """
    urls = os.environ.get(URLS, "").split()
    for url in urls:
        try:
            parsed = parse_stun_turn_uri(url)
        except ValueError:
            parsed = {"scheme": None}
        if parsed["scheme"] not in ("turn", "turns"):
            raise OwnTurnError(f"{URLS} holds {url!r}, which is no TURN URL: write turn:relay.example.org:3478.")
    if secret := os.environ.get(SECRET):
        username, credential = timed_access(secret, int(time.time()) + LIFETIME)
    else:
        username, credential = os.environ.get(USERNAME, ""), os.environ.get(PASSWORD, "")
    if not username or not credential:  # browsers refuse to begin without
        raise OwnTurnError(f"{URLS} is set, but no access to it: set {USERNAME} and {PASSWORD}, or {SECRET}.")
    return {"urls": urls, "username": username, "credential": credential}


def timed_access(secret: str, until: int) -> tuple[str, str]:
    """Username and password that a TURN server with this secret takes until then (s since 1970).

    As in "A REST API For Access To TURN Services" (draft-uberti-behave-turn-rest), which coturn calls ``use-auth-secret``.
    """
    username = str(until)
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()

"""How a receiver knows that a delivery comes from here: HMAC-SHA256 over ``{timestamp}.{body}``, as the commercial product's."""

from __future__ import annotations

import hashlib
import hmac
import secrets

PREFIX = "whsec_"


def new_key() -> str:
    """A key that both sides know, and nobody else."""
    return PREFIX + secrets.token_hex(24)


def headers(key: str, event: str, number: str, body: bytes, now: float) -> dict[str, str]:
    """What a delivery carries; now: Unix seconds."""
    timestamp = str(int(now))
    return {
        "Content-Type": "application/json", "X-BitHuman-Event": event, "X-BitHuman-Delivery": number,
        "X-BitHuman-Timestamp": timestamp, "X-BitHuman-Signature": f"sha256={signature(key, timestamp, body)}",
    }  # fmt: skip


def signature(key: str, timestamp: str, body: bytes) -> str:
    """In hexadecimal."""
    return hmac.new(key.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()

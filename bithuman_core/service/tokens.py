"""Runtime tokens: JSON web tokens of five minutes, signed with a key that all processes of an installation share."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

import jwt

from bithuman_core.service.data.database import Database
from bithuman_core.service.data.keys import installation_key
from bithuman_core.service.errors import Unauthorized

LIFETIME_SECONDS = 300
SKEW_SECONDS = 60  # by which the clocks of two machines may differ
ALGORITHM = "HS256"
KEY_NAME = "tokens"
RUNTIME = "bithuman-runtime"  # whom a token is for
NOT_VALID = "The token is not valid, or has expired: ask for a new one."


class Tokens:
    """now: Unix seconds. Blocks: use it in threads."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database, self._now = database, now
        self._key: str | None = None

    def issue(self, subject: str, audience: str, seconds: int = LIFETIME_SECONDS, **claims: Any) -> tuple[str, int]:
        """A token, and the Unix second when it ends."""
        now = int(self._now())
        told = {**claims, "sub": subject, "aud": audience, "iat": now, "exp": now + seconds, "jti": secrets.token_hex(8)}
        return jwt.encode(told, self._signing_key(), ALGORITHM), now + seconds

    def read(self, token: str, audience: str) -> Mapping[str, Any]:
        """The claims of a token that was made here. Raises Unauthorized."""
        try:
            claims = jwt.decode(
                token, self._signing_key(), [ALGORITHM], audience=audience,
                options={"require": ["exp", "sub"], "verify_exp": False, "verify_iat": False},
            )  # fmt: skip
        except jwt.InvalidTokenError:
            raise Unauthorized(NOT_VALID) from None
        if claims["exp"] + SKEW_SECONDS <= self._now():
            raise Unauthorized(NOT_VALID)
        return claims

    def _signing_key(self) -> str:
        if self._key is None:
            self._key = installation_key(self._database, KEY_NAME)
        return self._key

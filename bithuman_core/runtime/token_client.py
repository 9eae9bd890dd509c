"""Permission from a token server of one's own. Only where BITHUMAN_API_URL is set: on one machine nobody is asked anything.

The secret travels in a header of these requests and is kept nowhere else: not in messages, logs, files or frames.
"""

from __future__ import annotations

import base64
import binascii
import json
import ssl
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bithuman_core.errors import AccountStatusError, TokenError, TokenExpiredError, TokenRequestError, TokenValidationError

if TYPE_CHECKING:
    import httpx

VALIDATE, REQUEST = "/v1/validate", "/v1/runtime-tokens/request"
TIMEOUT_SECONDS = 10.0  # for one answer
MAX_ANSWER = 65_536  # bytes
LIFETIME_SECONDS = 3600.0  # of a token that does not say how long it lives
REFRESH_AT = 0.8  # of the lifetime
RETRY_SECONDS = 5.0
OUTAGE_SECONDS = 300.0  # how long a server that does not answer is tolerated once it has
COMMERCIAL_HOST = "bithuman.ai"
CANNOT_REACH = "check that it is running and BITHUMAN_API_URL is right, or unset BITHUMAN_API_URL to run on this machine alone."


def token_server(argument: str | None, environment: str | None) -> str | None:
    """Scheme and host of the server to ask, or None to ask nobody.

    argument: what compatible callers hand on; addresses of the commercial service are not asked, our avatars need no account
    there. Paths such as ``/v1/runtime-tokens/request`` are cut off. Raises TokenRequestError for what is no http(s) address.
    """
    for url in (environment, argument):
        if not url:
            continue
        parts = urlsplit(url if "//" in url else f"//{url}")
        host = parts.hostname or ""
        if host == COMMERCIAL_HOST or host.endswith("." + COMMERCIAL_HOST):
            continue
        if parts.scheme not in ("http", "https") or not host or parts.username is not None:
            raise TokenRequestError("BITHUMAN_API_URL is not a plain http(s)://host address: correct or unset it.")
        return f"{parts.scheme}://{parts.netloc}{parts.path.partition('/v1/')[0].rstrip('/')}"
    return None


class Access:
    """Asks a server whether a secret is valid, holds its runtime token and renews it in the background.

    :meth:`open` blocks and raises; :meth:`check` never blocks: call it every tick. now: seconds on a clock that never goes back.
    """

    def __init__(
        self, server: str, secret: str | None, token: str | None = None, *, insecure: bool = False,
        now: Callable[[], float] = time.monotonic, client: httpx.Client | None = None,
    ) -> None:  # fmt: skip
        if not secret and not token:
            raise TokenValidationError(
                "BITHUMAN_API_URL is set, so an API secret is needed: set BITHUMAN_API_SECRET (or pass api_secret), or unset "
                "BITHUMAN_API_URL to run on this machine alone."
            )
        import httpx  # only here: most runs never ask anybody

        self.token = token
        self.validated = False
        self.server, self._secret, self._now = server, secret, now
        self._client = client or httpx.Client(verify=not insecure, timeout=TIMEOUT_SECONDS, follow_redirects=False)
        self._executor = ThreadPoolExecutor(1, "bithuman-token")
        self._pending: Future[None] | None = None
        self._refused: TokenError | None = None
        self._failing_since: float | None = None
        self._renew_at = self._ends_at = float("inf")
        self.expires = -1  # unix time in seconds, -1: unknown

    def open(self) -> None:
        """Validate the secret and get a token. Raises TokenError of the fitting kind."""
        if self._secret:
            self._validate()
            self._request()
        elif self.token:
            self._take(self.token, None)
        self.validated = True

    def check(self) -> None:
        """Renew the token when it is due, in the background; raises TokenError where access has ended."""
        if self._refused is not None:
            raise self._refused
        now = self._now()
        if self._pending is not None and self._pending.done():
            self._collect(self._pending, now)
        if self._secret is None and now >= self._ends_at:
            self._refuse(TokenExpiredError("The runtime token has expired: get a new one and pass it with set_token()."))
        if self._secret is not None and self._pending is None and now >= self._renew_at:
            self._pending = self._executor.submit(self._request)

    def replace(self, token: str) -> None:
        """Take a token got elsewhere."""
        self._refused, self._failing_since = None, None
        self._take(token, None)

    def close(self) -> None:
        """Stop renewing and forget the secret."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._client.close()
        self._secret = self.token = None
        self.validated = False

    def _collect(self, done: Future[None], now: float) -> None:
        self._pending = None
        error = done.exception()
        if error is None:
            self._failing_since = None
        elif isinstance(error, TokenRequestError):
            self._failing_since = now if self._failing_since is None else self._failing_since
            if now - self._failing_since >= OUTAGE_SECONDS:
                self._refuse(error)
            self._renew_at = now + RETRY_SECONDS
        elif isinstance(error, TokenError):
            self._refuse(error)
        else:
            raise error

    def _refuse(self, error: TokenError) -> None:
        self._refused = error
        self.validated = False
        raise error

    def _validate(self) -> None:
        answer = self._post(VALIDATE, {})
        valid = answer.get("valid")
        if not isinstance(valid, bool):
            raise TokenRequestError(f"The token server {self.server} did not say whether the secret is valid: is it one?")
        if not valid:
            raise TokenValidationError("The API secret is not valid: check BITHUMAN_API_SECRET.")

    def _request(self) -> None:
        answer = self._post(REQUEST, {})
        inner = answer.get("data")
        fields = inner if isinstance(inner, dict) else answer
        token, seconds = fields.get("token"), fields.get("expires_in")
        if not isinstance(token, str) or not token:
            raise TokenRequestError(f"The token server {self.server} answered without a token: is it one?")
        self._take(token, float(seconds) if isinstance(seconds, int | float) else None)

    def _take(self, token: str, seconds: float | None) -> None:
        if seconds is None:
            expiry = jwt_expiry(token)
            seconds = LIFETIME_SECONDS if expiry is None else expiry - time.time()
        if seconds <= 0:
            raise TokenExpiredError("The runtime token has expired: get a new one.")
        self.token = token
        self.expires = int(time.time() + seconds)
        self._ends_at, self._renew_at = self._now() + seconds, self._now() + REFRESH_AT * seconds

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The JSON answer of the server as a mapping. Raises TokenError; no message holds the secret."""
        import httpx

        begin = time.monotonic()
        try:
            with self._client.stream("POST", self.server + path, json=body, headers={"api-secret": self._secret or ""}) as answer:
                content = b""
                for chunk in answer.iter_bytes():
                    content += chunk
                    if len(content) > MAX_ANSWER or time.monotonic() - begin > TIMEOUT_SECONDS:
                        raise TokenRequestError(f"The token server {self.server} sends without an end: is it one?")
                status = answer.status_code
        except httpx.TimeoutException:
            raise TokenRequestError(
                f"The token server {self.server} did not answer within {TIMEOUT_SECONDS:.0f} s: {CANNOT_REACH}"
            ) from None
        except httpx.HTTPError as error:
            if isinstance(error.__cause__, ssl.SSLError) or "certificate" in str(error).lower():
                raise TokenRequestError(
                    f"The certificate of the token server {self.server} cannot be trusted: renew it, or pass insecure=True "
                    "for a server of your own."
                ) from None
            raise TokenRequestError(f"The token server {self.server} cannot be reached: {CANNOT_REACH}") from None
        except (UnicodeEncodeError, ValueError):
            raise TokenValidationError("The API secret holds characters that no secret has: check BITHUMAN_API_SECRET.") from None
        return self._read(status, content)

    def _read(self, status: int, content: bytes) -> dict[str, Any]:
        if status == 401:
            raise TokenValidationError("The API secret is not valid: check BITHUMAN_API_SECRET.")
        if status in (402, 403):
            raise AccountStatusError(f"The token server {self.server} says that this account may not run avatars ({status}).")
        if status != 200:
            raise TokenRequestError(f"The token server {self.server} answered with status {status}: {CANNOT_REACH}")
        try:
            answer = json.loads(content)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise TokenRequestError(f"The token server {self.server} answered something that is not JSON: is it one?")
        return answer


def jwt_expiry(token: str) -> int | None:
    """The ``exp`` of a JSON web token (unix seconds), None where the token is of another kind. Its signature is not checked."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return None
    expiry = claims.get("exp") if isinstance(claims, dict) else None
    return expiry if isinstance(expiry, int) and not isinstance(expiry, bool) else None

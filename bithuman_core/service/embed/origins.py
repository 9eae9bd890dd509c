"""Origins: how browsers name a site."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field
from starlette.requests import Request

from bithuman_core.hosts import host_name

MOST_ORIGINS = 20
LONGEST = 300  # characters


def as_origin(text: str) -> str:
    """``https://Example.org`` as browsers send it. Raises ValueError."""
    scheme, _, authority = text.partition("://")
    if scheme not in ("http", "https") or not host_name(authority) or not text.isascii() or set("/@?#;, '\"\\") & set(authority):
        raise ValueError(f"{text[:80]!r} is no origin; give one like https://example.org, without a path")
    return text.lower()


Origin = Annotated[str, Field(max_length=LONGEST, examples=["https://example.org"]), AfterValidator(as_origin)]


def _all(origins: list[str]) -> list[str]:
    return list(dict.fromkeys(map(as_origin, origins)))


Origins = Annotated[list[str], Field(max_length=MOST_ORIGINS, examples=[["https://example.org"]]), AfterValidator(_all)]


def origin_of(request: Request) -> str:
    """Of the page that asks; "" where no browser says one."""
    return request.headers.get("origin", "")[:LONGEST].lower()


def is_own_page(request: Request) -> bool:
    """Whether a page of this server asks: the one that stands in frames."""
    headers = request.headers
    if (site := headers.get("sec-fetch-site")) is not None:
        return site == "same-origin"
    authority = origin_of(request).partition("://")[2]
    return bool(authority) and authority in (headers.get("host", "").lower(), headers.get("x-forwarded-host", "").lower())

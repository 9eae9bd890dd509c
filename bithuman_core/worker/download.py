"""Fetching an avatar from an address that a client named: nothing of the worker's own network, nothing endless.

Redirects are checked like the address itself. What the server says of the content is not trusted: whoever opens the file looks at
it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from bithuman_core.worker.addresses import Addresses
from bithuman_core.worker.limits import MIB, WorkerLimits
from bithuman_core.worker.pinned import pinned_answer
from bithuman_core.worker.refused import Refused

REDIRECTS = 3
TOO_SLOW = "{called}: the server is too slow; try again, or upload the file itself."
# Encoded answers are not decoded, so that few bytes cannot become many.
HEADERS = {"User-Agent": "bithuman-core-worker", "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close"}


def checked_url(text: str) -> httpx.URL:
    """An http(s) address without a password in it. Raises ValueError."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise ValueError("is not an address that can be read") from None
    if url.scheme not in ("http", "https") or not url.host or url.userinfo:
        raise ValueError("is not a plain http(s):// address")
    return url


class Downloads:
    """Fetches files within limits."""

    def __init__(self, limits: WorkerLimits, called: str = "avatar_image_url") -> None:
        """called: the field of a request that names the address, in sentences.

        Raises ValueError for an entry of ``limits.fetch_from`` that is no host or network.
        """
        self._limits, self._called = limits, called
        self._addresses = Addresses(limits.fetch_from, called)
        self._tls = httpx.create_ssl_context()
        self._timeout = httpx.Timeout(limits.download_seconds, connect=limits.connect_seconds).as_dict()

    async def fetch(self, address: str, path: Path) -> None:
        """Write what ``address`` serves to ``path``.

        Raises Refused with one sentence, which tells nothing of the address but its host: 408 too slow, 413 too large, 422 else.
        """
        try:
            await asyncio.wait_for(self._fetch(checked_url(address), path), self._limits.download_seconds)
        except (asyncio.TimeoutError, httpx.TimeoutException):
            raise Refused(TOO_SLOW.format(called=self._called), 408) from None

    async def _fetch(self, url: httpx.URL, path: Path) -> None:
        async with httpx.AsyncHTTPTransport(self._tls) as transport:
            for _ in range(REDIRECTS + 1):
                further = await self._take(transport, url, path)
                if further is None:
                    return
                url = further
        raise Refused(f"{self._called}: it leads on more than {REDIRECTS} times; give the address where the file is.")

    async def _take(self, transport: httpx.AsyncHTTPTransport, url: httpx.URL, path: Path) -> httpx.URL | None:
        """Save what is there, or say where it leads on to."""
        try:
            async with self._answer(transport, url) as answer:
                if not answer.has_redirect_location:
                    return await self._save(answer, url.host, path)
                return checked_url(str(url.join(answer.headers["location"])))
        except (ValueError, httpx.InvalidURL):
            raise Refused(f"{self._called}: {url.host!r} leads on to what is no plain http(s):// address.") from None
        except (httpx.NetworkError, httpx.ProtocolError):
            raise Refused(f"{self._called}: {url.host!r} cannot be reached or broke off; check the address.") from None

    @asynccontextmanager
    async def _answer(self, transport: httpx.AsyncHTTPTransport, url: httpx.URL) -> AsyncIterator[httpx.Response]:
        async with pinned_answer(transport, self._addresses, "GET", url, HEADERS, timeout=self._timeout) as answer:
            yield answer

    async def _save(self, answer: httpx.Response, host: str, path: Path) -> None:
        if answer.status_code != 200:
            raise Refused(f"{self._called}: {host!r} answers {answer.status_code} instead of a file; check the address.")
        limit, size = self._limits.upload_bytes, 0
        too_large = Refused(f"{self._called}: the file is larger than the {limit / MIB:.3g} MiB that are taken.", 413)
        declared = answer.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            raise too_large
        with path.open("wb") as file:
            async for piece in answer.aiter_raw():
                size += len(piece)
                if size > limit:
                    raise too_large
                file.write(piece)
        if not size:
            raise Refused(f"{self._called}: {host!r} serves an empty file.")

"""A request to an address that somebody else named: the host is resolved once, its addresses are checked, and the connection goes
to the very address that was checked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

from bithuman_core.worker.addresses import Addresses


@asynccontextmanager
async def pinned_answer(
    transport: httpx.AsyncHTTPTransport,
    addresses: Addresses,
    method: str,
    url: httpx.URL,
    headers: Mapping[str, str],
    content: bytes | None = None,
    *,
    timeout: Mapping[str, float | None],
) -> AsyncIterator[httpx.Response]:
    """The answer, not yet read; redirects are answers. timeout: as ``httpx.Timeout.as_dict`` has it.

    Raises Refused where the host may not be reached, and httpx's errors.
    """
    # The transport itself, since a client would log the address, which may hold a signature.
    port = url.port or {"http": 80, "https": 443}[url.scheme]
    pinned = await addresses.find(url.host, port)
    extensions = {"timeout": dict(timeout), "sni_hostname": url.raw_host.decode("ascii")}
    answer = None
    for address in pinned:
        own = {**headers, "Host": url.netloc.decode("ascii")}
        request = httpx.Request(method, url.copy_with(host=address), headers=own, content=content, extensions=extensions)
        try:
            answer = await transport.handle_async_request(request)
            break
        except httpx.ConnectError:
            if address == pinned[-1]:
                raise
    assert answer is not None
    try:
        yield answer
    finally:
        await answer.aclose()

"""What no request gets past, whoever asks: names that are not this server's, pages of other sites, and floods."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp, Receive, Scope, Send

from bithuman_core.clock import Clock
from bithuman_core.demo.limits import Limits
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.routes.while_held import while_held
from bithuman_core.demo.visitors.address import network_of_client
from bithuman_core.demo.visitors.allowance import AddressAllowances
from bithuman_core.demo.visitors.shares import Shares
from bithuman_core.hosts import KnownHosts, host_name, is_this_machine

OURS = ("/visit", "/webrtc")  # not Gradio's, whose apps may stand on other pages; /local is stricter
QUESTIONS = ("GET", "HEAD", "OPTIONS")
# Gradio makes these anew for everybody who asks, in some 7 ms: no page needs one without the many small files that follow it.
COSTLY = ("/", "/config", "/gradio_api/info", "/gradio_api/openapi.json", "/gradio_api/mcp/schema")
COST = 40
OTHER_SITE = "This server takes requests of its own page only."
UNKNOWN_HOST = "This server is not called {name!r}: whoever runs it can add that name with --allowed-hosts."
NOTHING_THERE = "There is nothing at that address."
TOO_OFTEN = "That was a lot in a short time: wait a minute, then try again."
RETRY = 10  # s


class RequestGuard:
    """ASGI middleware for HTTP and web sockets. Refuses with a sentence: 403, 404, 421, 429, 503.

    ``private``: the server is there for this machine alone; then no other site's page may use Gradio's addresses either.
    ``for_sites``: beginnings of addresses that are there for other sites' pages, and look themselves who asks.
    """

    def __init__(
        self, app: ASGIApp, hosts: KnownHosts, limits: Limits, clock: Clock, *, private: bool, for_sites: tuple[str, ...] = ()
    ) -> None:
        self._for_sites = for_sites
        self._app, self._hosts, self._private, self._own_machine = app, hosts, private, limits.own_machine
        self._asks = AddressAllowances(clock, limits.asks, limits.asks_per_second)
        self._posts = AddressAllowances(clock, limits.posts, limits.posts_per_second)
        self._under_way = Shares("requests", limits.connections, limits.connections_each)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        await while_held(self._admission(scope), self._app, scope, receive, send)

    @contextmanager
    def _admission(self, scope: Scope) -> Iterator[None]:
        """A request is let in, and counted as long as it is under way. Raises Refusal."""
        address = network_of_client(scope.get("client"), own_machine=self._own_machine)
        self._check_sender(scope)
        self._check_rate(scope, address)
        with self._under_way.taking(address):
            yield

    def _check_sender(self, scope: Scope) -> None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        if not self._hosts.know(host):
            raise Refusal(421, UNKNOWN_HOST.format(name=host_name(host)))
        if not scope["path"].isprintable():
            raise Refusal(404, NOTHING_THERE)
        ours = scope["path"].startswith(OURS)
        if self._for_sites and scope["path"].startswith(self._for_sites):
            return
        changes = scope.get("method", "GET") not in QUESTIONS  # a web socket has no method
        if changes and (ours or self._private) and _comes_from_elsewhere(headers, host, neighbours=not ours):
            raise Refusal(403, OTHER_SITE)

    def _check_rate(self, scope: Scope, address: str | None) -> None:
        if address is None:
            return
        if scope.get("method", "GET") in QUESTIONS:
            allowed = self._asks.take(address, COST if scope["path"] in COSTLY else 1)
        else:
            allowed = self._posts.take(address)
        if not allowed:
            raise Refusal(429, TOO_OFTEN, retry=RETRY)


def _comes_from_elsewhere(headers: dict[bytes, str], host: str, *, neighbours: bool) -> bool:
    """Whether a browser says that a page of another site sends this; ``neighbours``: a program's page on another port of this
    machine may. What is no browser says nothing.
    """
    if (site := headers.get(b"sec-fetch-site")) is not None:
        return site not in (("same-origin", "none", "same-site") if neighbours else ("same-origin", "none"))
    if (origin := headers.get(b"origin")) is None:  # browsers of before 2023 say this alone
        return False
    name = host_name(origin.partition("://")[2])
    if neighbours and is_this_machine(name):
        return False
    return not name or name not in (host_name(host), host_name(headers.get(b"x-forwarded-host", "")))

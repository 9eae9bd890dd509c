"""What no request gets past, whoever asks: names that are not this server's, and pages of other sites that act for a visitor."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.routes.answer import refuse
from bithuman_core.demo.visitors.address import network_of
from bithuman_core.demo.visitors.allowance import AddressAllowances
from bithuman_core.hosts import KnownHosts, host_name, is_this_machine

OURS = ("/visit", "/webrtc")  # not Gradio's, whose apps may stand on other pages; /local is stricter
QUESTIONS = ("GET", "HEAD", "OPTIONS")
OTHER_SITE = "This server takes requests of its own page only."
UNKNOWN_HOST = "This server is not called {name!r}: whoever runs it can add that name with --allowed-hosts."
NOTHING_THERE = "There is nothing at that address."
TOO_OFTEN = "That was a lot in a short time: wait a minute, then try again."
RETRY = 10  # s


class RequestGuard:
    """ASGI middleware for HTTP and web sockets. Refuses with a sentence: 403, 404, 421, 429.

    ``private``: the server is there for this machine alone; then no other site's page may use Gradio's addresses either.
    """

    def __init__(self, app: ASGIApp, hosts: KnownHosts, posts: AddressAllowances, *, private: bool, own_machine: bool) -> None:
        self._app, self._hosts, self._posts = app, hosts, posts
        self._private, self._own_machine = private, own_machine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] in ("http", "websocket"):
            try:
                self._check(scope)
            except Refusal as refusal:
                await refuse(scope, send, refusal)
                return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        if not self._hosts.know(host):
            raise Refusal(421, UNKNOWN_HOST.format(name=host_name(host)))
        if not scope["path"].isprintable():
            raise Refusal(404, NOTHING_THERE)
        if scope.get("method") in QUESTIONS:  # a web socket has no method
            return
        ours = scope["path"].startswith(OURS)
        if (ours or self._private) and _comes_from_elsewhere(headers, host, neighbours=not ours):
            raise Refusal(403, OTHER_SITE)
        address = network_of((scope.get("client") or (None,))[0], own_machine=self._own_machine)
        if address is not None and not self._posts.take(address):
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

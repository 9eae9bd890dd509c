"""The connections of the page's server: how many there may be, and how long one may keep it waiting."""

from __future__ import annotations

import asyncio
import json
import resource
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from bithuman_core.demo.limits import Limits
from bithuman_core.demo.visitors.address import network_of

GOODBYE_SECONDS = 5.0  # in which a refusal is to be taken
LONGEST_WORD = 1024  # bytes of a message on a page's line
REASONS = {408: b"Request Timeout", 429: b"Too Many Requests", 503: b"Service Unavailable"}
TOO_MANY_HERE = "Your network has too many connections open: close some, then try again."
TOO_MANY = "The server has as many connections as it can hold: try again in a minute."
SAYS_NOTHING = "The request did not come to an end: send it again."


def as_networks(entries: str) -> list[IPv4Network | IPv6Network]:
    """Addresses and networks, as ``--trusted-proxies`` lists them with commas; ``*``: all. Raises ValueError."""
    listed = (entry.strip() for entry in entries.replace("*", "0.0.0.0/0,::/0").split(","))
    return [ip_network(entry, strict=False) for entry in listed if entry]


class Connections:
    """Those that are open. ``proxies``: through their addresses many people come, so that these are counted for all only."""

    def __init__(self, limits: Limits, proxies: Iterable[IPv4Network | IPv6Network] = ()) -> None:
        self._in_all = min(limits.connections, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
        self._each, self._own_machine, self._proxies = limits.connections_each, limits.own_machine, tuple(proxies)
        self._open: defaultdict[str | None, set[asyncio.BaseTransport]] = defaultdict(set)

    def __len__(self) -> int:
        return sum(map(len, self._open.values()))

    def admit(self, transport: asyncio.BaseTransport, host: str | None) -> tuple[int, str] | None:
        """Count a connection until it is closed, whatever becomes of it; else the status and sentence of its refusal."""
        address = self._counted_as(host)
        self._forget(address)
        if address is not None and len(self._open[address]) >= self._each:
            return 429, TOO_MANY_HERE
        if len(self) >= self._in_all:
            for other in list(self._open):
                self._forget(other)
            if len(self) >= self._in_all:
                return 503, TOO_MANY
        self._open[address].add(transport)
        return None

    def _counted_as(self, host: str | None) -> str | None:
        try:
            if host is not None and any(ip_address(host) in network for network in self._proxies):
                return None
        except ValueError:  # a socket of another kind
            return None
        return network_of(host, own_machine=self._own_machine)

    def _forget(self, address: str | None) -> None:
        # They are not told of their end: a web socket's is another protocol's.
        left = {transport for transport in self._open[address] if not transport.is_closing()}
        if left:
            self._open[address] = left
        else:
            del self._open[address]


class PatientProtocol(H11Protocol):
    """uvicorn's HTTP with an end to its patience: for a request's headers, and for a client that does not read its answer."""

    def __init__(self, limits: Limits, doors: Connections, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._limits, self._doors = limits, doors
        self._waiting: asyncio.TimerHandle | None = None  # for a request
        self._unread: asyncio.TimerHandle | None = None  # an answer

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let somebody in, or not."""
        super().connection_made(transport)
        if (refused := self._doors.admit(transport, self.client[0] if self.client else None)) is not None:
            self._end(*refused)
        else:
            self._wait()

    def data_received(self, data: bytes) -> None:
        """Something has come, for the present request or for one to come."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        answering = self.cycle is not None and not self.cycle.response_complete
        if answering or self.transport.get_protocol() is not self:  # a web socket has taken over
            self._wait_no_longer()
        else:
            self._wait()

    def on_response_complete(self) -> None:
        """From here on the next request is waited for, as long as a connection is kept alive."""
        self._wait_no_longer()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The client does not read."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self._limits.unread_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It does."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone."""
        self._wait_no_longer()
        super().connection_lost(exc)
        self.resume_writing()

    def _wait(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(self._limits.header_seconds, self._give_up)

    def _wait_no_longer(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        if not self.transport.is_closing():
            half = self.conn.our_state is h11.IDLE and bool(self.conn.trailing_data[0])
            self._end(408, SAYS_NOTHING if half else None)

    def _end(self, status: int, sentence: str | None) -> None:
        """Close, after a sentence to who has begun to speak."""
        if sentence is not None:
            body = json.dumps({"error": sentence}).encode()
            self.transport.write(
                b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nretry-after: 20\r\n"
                b"connection: close\r\n\r\n%s" % (status, REASONS[status], len(body), body)
            )
        self.transport.close()
        self.loop.call_later(GOODBYE_SECONDS, self.transport.abort)


def server_config(app: Any, limits: Limits, *, trusted_proxies: str = "127.0.0.1", **more: Any) -> uvicorn.Config:
    """How the page is served. ``trusted_proxies``: web servers whose word about a client's address counts."""
    doors = Connections(limits, as_networks(trusted_proxies))
    return uvicorn.Config(
        app, log_level="warning", server_header=False, ws_max_size=LONGEST_WORD, forwarded_allow_ips=trusted_proxies,
        http=cast(Any, partial(PatientProtocol, limits, doors)), **more,
    )  # fmt: skip

"""WebDriver BiDi, the W3C's protocol for driving a browser over one WebSocket: https://w3c.github.io/webdriver-bidi/."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from websockets.sync.client import connect

ANSWER_SECONDS = 60.0  # longer than anything that a test lets the page do in one call

Json = dict[str, Any]


class BidiError(Exception):
    """The browser could not do what it was told."""


class Bidi:
    """One session with a browser. Events are handled while the answer to a command is waited for."""

    def __init__(self, address: str) -> None:
        self._socket = connect(f"{address}/session", max_size=None)  # a screenshot may be larger than the usual limit
        self._numbers = itertools.count()
        self._handlers: defaultdict[str, list[Callable[[Json], None]]] = defaultdict(list)
        self.command("session.new", capabilities={})

    def listen(self, event: str, handle: Callable[[Json], None]) -> None:
        """Call ``handle`` with the parameters of every such event from now on."""
        self._handlers[event].append(handle)
        self.command("session.subscribe", events=[event])

    def command(self, method: str, **parameters: Any) -> Json:
        """Send a command and return its result."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message: Json = json.loads(self._socket.recv(ANSWER_SECONDS))
            if message["type"] == "event":
                for handle in self._handlers[message["method"]]:
                    handle(message["params"])
            elif message["type"] == "error":
                raise BidiError(f"{method}: {message['error']}: {message['message']}")
            else:
                return message["result"]

    def close(self) -> None:
        """End the browser."""
        self.command("browser.close")
        self._socket.close()

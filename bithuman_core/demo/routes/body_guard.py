"""How much a request may bring, and how long it may take to bring it. Who sends slowly but steadily is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bithuman_core.clock import Clock, MonotonicClock
from bithuman_core.demo.limits import KIB, MIB, Limits
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.routes.answer import refuse
from bithuman_core.demo.routes.while_held import while_held
from bithuman_core.demo.visitors.address import network_of_client
from bithuman_core.demo.visitors.uploads import Uploads

TOOLS = "/gradio_api/mcp"
FILES = ("/gradio_api/upload", "/local/speak")  # addresses that take files, by the beginnings of their paths
TOO_LARGE = "That request is larger than the {limit} that are taken here."
NO_LENGTH = "That request does not say how long it is in whole bytes."
TOO_SLOW = "That request came too slowly: try again on a faster connection."
HEAR_OUT_SECONDS = 5.0
FORM = MIB  # bytes: forms carry more than their file


class BodyGuard:
    """ASGI middleware. Refuses with a sentence: 400, 408, 413, 429, 503. ``files``: beginnings of the paths that take files."""

    def __init__(
        self, app: ASGIApp, limits: Limits, uploads: Uploads, clock: Clock | None = None, files: tuple[str, ...] = FILES
    ) -> None:
        self._files = files
        self._app, self._limits, self._uploads, self._clock = app, limits, uploads, clock or MonotonicClock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it, also while it is being read."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, length = scope["path"], dict(scope["headers"]).get(b"content-length")
        is_file = path.startswith(self._files)
        limit = self._limits.file_bytes + FORM if is_file else self._limits.body_bytes
        if path.startswith(TOOLS):
            limit = self._limits.tool_bytes
        body = _Body(scope, receive, send, limit, self._limits, self._clock.now)
        room = self._room(scope, length, limit, is_file)
        await while_held(room, self._app, scope, body.receive, body.send, partial(self._hear_out, receive, limit))

    @contextmanager
    def _room(self, scope: Scope, length: bytes | None, limit: int, is_file: bool) -> Iterator[None]:
        """Room for a body as long as it says, counted where it is a file. Raises Refusal."""
        if length is not None and not length.isdigit():
            raise Refusal(400, NO_LENGTH)
        size = limit if length is None else int(length)
        if size > limit:
            raise Refusal(413, too_large(limit))
        if not is_file:
            yield
            return
        address = network_of_client(scope.get("client"), own_machine=self._limits.own_machine)
        with self._uploads.taking(address, size):
            yield

    async def _hear_out(self, receive: Receive, most: int) -> None:
        """Take what is still being sent, for a while: most clients read no answer before they have sent everything."""

        async def rest() -> None:
            came = 0
            while came <= most:
                message = await receive()
                came += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return

        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(rest(), HEAR_OUT_SECONDS)


class _Body:
    """One request on its way to the application."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, limit: int, limits: Limits, now: Callable[[], float]) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._limit, self._limits, self._now = limit, limits, now
        self._came, self._waited, self._whole, self._answered = 0, 0.0, False, False
        self.refused = False

    async def receive(self) -> Message:
        """The next piece, or the end of a request that is refused."""
        if self._whole:  # whoever waits now waits for the client to go
            return await self._receive()
        if self.refused:
            return {"type": "http.disconnect"}
        slow = self._limits.slow_seconds + self._came / self._limits.slow_bytes_per_second - self._waited
        began = self._now()
        try:
            message = await asyncio.wait_for(self._receive(), max(min(self._limits.silence_seconds, slow), 0))
        except asyncio.TimeoutError:
            return await self._refuse(Refusal(408, TOO_SLOW))
        self._waited += self._now() - began
        self._came += len(message.get("body", b""))
        if self._came > self._limit:  # it did not say how long it is
            return await self._refuse(Refusal(413, too_large(self._limit)))
        self._whole = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Pass an answer on; a refused request has its answer already."""
        if not self.refused:
            self._answered = True
            await self._send(message)

    async def _refuse(self, refusal: Refusal) -> Message:
        if not self._answered:
            await refuse(self._scope, self._send, refusal)
        self.refused = True
        return {"type": "http.disconnect"}


def too_large(limit: int) -> str:
    """The sentence of a limit in bytes."""
    return TOO_LARGE.format(limit=f"{limit // MIB} MiB" if limit >= MIB else f"{limit // KIB} KiB")

"""What every guard does: hold a share of something while a request is followed, or answer with the refusal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, ExitStack

from starlette.types import ASGIApp, Receive, Scope, Send

from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.routes.answer import refuse


async def while_held(
    share: AbstractContextManager[object],
    app: ASGIApp,
    scope: Scope,
    receive: Receive,
    send: Send,
    before_closing: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Pass a request on inside of ``share``, which is left however it ends. Where entering it raises Refusal, that is the answer
    (``before_closing`` as :func:`refuse` has it)."""
    with ExitStack() as held:
        try:
            held.enter_context(share)
        except Refusal as refusal:
            await refuse(scope, send, refusal, before_closing)
            return
        await app(scope, receive, send)

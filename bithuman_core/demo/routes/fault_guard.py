"""What breaks inside tells nobody how: one sentence goes out, the rest into the log. Gradio would show its traceback."""

from __future__ import annotations

import logging

from python_multipart.exceptions import FormParserError
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.routes.answer import refuse

logger = logging.getLogger(__name__)

UNREADABLE = "That form cannot be read: send it as multipart/form-data, as browsers do."
STUMBLED = "The server stumbled over that request; its log tells more."
FAULT = 500


class FaultGuard:
    """ASGI middleware around everything else of the application. Answers 400 to forms that are none, 500 to faults."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, kept = False, list[Message]()  # an answer; one that tells of a fault

        async def send_what_is_sound(message: Message) -> None:
            nonlocal begun
            if kept or message.get("status") == FAULT:
                kept.append(message)
                return
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_what_is_sound)
        except ClientDisconnect:
            return  # nobody is there to be answered
        except FormParserError as error:
            logger.info("A form could not be read: %s", error)
            refusal = Refusal(400, UNREADABLE)
        except Exception:
            if begun:
                raise
            logger.exception("A request to %s broke.", scope["path"])
            refusal = Refusal(FAULT, STUMBLED)
        else:
            for message in kept:
                await send(message)
            return
        if not begun:
            await refuse(scope, send, refusal)

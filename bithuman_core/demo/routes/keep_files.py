"""The server's folder is there before a request is answered: whoever cleans temporary files does not stop the page."""

from __future__ import annotations

import logging

from starlette.types import ASGIApp, Receive, Scope, Send

from bithuman_core.demo.gallery import Gallery

logger = logging.getLogger(__name__)


class KeepFiles:
    """ASGI middleware. Gradio writes below the folder and reads the pictures in it by itself, and makes neither anew."""

    def __init__(self, app: ASGIApp, gallery: Gallery) -> None:
        self._app, self._gallery = app, gallery

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "http":
            try:
                self._gallery.keep_files()  # some looks at the file system, 20 us
            except OSError as error:  # what needs the folder will say so
                logger.error("The folder for temporary files cannot be made anew (%s).", error)
        await self._app(scope, receive, send)

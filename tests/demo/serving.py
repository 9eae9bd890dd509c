"""The demo for tests: as an application, and as a server of its own in a thread, which real clients talk to."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from bithuman_core.demo.connections import server_config
from bithuman_core.demo.gallery import Gallery
from bithuman_core.demo.server import make_app, make_context

STARTED_SECONDS = 30


def demo_app(gallery: Gallery, **options: Any) -> FastAPI:
    """The application of a demo; ``options`` as those of ``make_context``."""
    context = make_context(gallery, **options)
    app = make_app(context)[1]
    app.state.limits = context.limits
    return app


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, without a network."""
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        yield client


@contextmanager
def served(app: FastAPI, **options: Any) -> Iterator[str]:
    """The address of the application on this machine; ``options`` as those of ``server_config``."""
    started = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(server_config(app, app.state.limits, timeout_graceful_shutdown=1, **options))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        assert started.wait(STARTED_SECONDS)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()

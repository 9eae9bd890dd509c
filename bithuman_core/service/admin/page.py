"""The admin page as a Gradio app, with its door before it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, cast

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when Gradio is imported: nothing leaves the machine

import gradio as gr
from fastapi import FastAPI
from starlette.middleware import Middleware

from bithuman_core.demo.gradio_records import RecentPages, limit_events
from bithuman_core.demo.routes.safety_headers import SafetyHeaders
from bithuman_core.demo.ui.theme import AvatarTheme
from bithuman_core.service.admin.door import LOGOUT, PATH, Door, router, signed_in
from bithuman_core.service.admin.tabs import agents, jobs, keys, live, overview, usage, webhooks
from bithuman_core.service.context import Service

TICK_SECONDS = 5.0
TITLE = "Your avatar service"
CSS = (Path(__file__).with_name("page.css")).read_text("utf-8")
CIRCLE = (
    "%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 2 2'%3E"
    "%3Ccircle cx='1' cy='1' r='1' fill='%231f6f5c'/%3E%3C/svg%3E"
)
HEAD = f'<link rel="icon" href="data:image/svg+xml,{CIRCLE}"></head>'.encode()
# Nobody else's page may show it in a frame; its forms are the door's. Gradio's components carry styles of their own.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'nonce-{nonce}'",
        "style-src 'self' 'unsafe-inline'",
        "font-src 'self' data:",
        "img-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
SIGN_OUT = f'<form class="sign-out" method="post" action="{LOGOUT}"><button>Sign out</button></form>'


def build_page(service: Service) -> gr.Blocks:
    """The Gradio app."""
    with gr.Blocks(
        theme=AvatarTheme(), title=TITLE, css=CSS, analytics_enabled=False, fill_width=True
    ) as page:
        with gr.Row(elem_id="head"):
            gr.Markdown(f"# {TITLE}")
            gr.HTML(SIGN_OUT, padding=False)
        ticking = gr.Timer(TICK_SECONDS)
        with gr.Tab("Overview"):
            overview.build(service, page, ticking)
        with gr.Tab("Live") as tab:
            live.build(service, tab, ticking)
        with gr.Tab("Agents") as tab:
            agents.build(service, tab)
        with gr.Tab("Jobs") as tab:
            jobs.build(service, tab, ticking)
        with gr.Tab("Usage") as tab:
            usage.build(service, tab)
        with gr.Tab("Secrets") as tab:
            keys.build(service, tab)
        with gr.Tab("Webhooks") as tab:
            webhooks.build(service, tab)
    page.queue(max_size=service.limits.doors.waiting)
    return page


class AdminPage:
    """The application of the page; :func:`mount` puts it into the service's."""

    def __init__(self, service: Service) -> None:
        page, pages = build_page(service), RecentPages()
        limit_events(page)

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            pages.replace_those_of(page)
            yield

        guards = [Middleware(SafetyHeaders, HEAD, POLICY), Middleware(Door, service)]
        app = FastAPI(lifespan=lifespan, middleware=guards, docs_url=None, redoc_url=None, openapi_url=None)
        app.state.service = service
        app.include_router(router)
        with redirect_stdout(StringIO()):  # Gradio says "new /"
            self.app = gr.mount_gradio_app(
                app, page, path=PATH, auth_dependency=signed_in, show_error=False, show_api=False, ssr_mode=False,
                max_file_size=0, mcp_server=False,
            )  # fmt: skip

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """As long as the service runs."""
        async with self.app.router.lifespan_context(self.app):
            yield


def mount(app: FastAPI, page: AdminPage) -> None:
    """Serve it below its path."""
    endpoint = cast(Any, page.app)  # Starlette takes ASGI applications as endpoints, too
    for path in (PATH, PATH + "/{rest:path}"):
        app.router.add_route(path, endpoint, include_in_schema=False)

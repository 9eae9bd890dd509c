"""The web application of the demo: a Gradio page with our own stage, FastRTC's signalling, and the files of the page."""

from __future__ import annotations

import gc
import io
import os
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, redirect_stdout
from functools import partial
from pathlib import Path
from string import Template
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when Gradio is imported: nothing leaves the machine

import gradio as gr
from fastapi import FastAPI, Response
from fastapi.staticfiles import StaticFiles
from fastrtc import get_cloudflare_turn_credentials_async
from gradio.themes import Default as Theme
from PIL import Image

from bithuman_core.fastrtc.live import LiveEngine
from bithuman_core.fastrtc.stream import avatar_stream, close_visit, close_visits

WARM_UP_TICKS = 5
HEAD = '<link rel="stylesheet" href="page/page.css"><script type="module" src="page/page.js"></script>'


async def rtc_configuration() -> dict[str, Any]:
    """The browser's RTCConfiguration: Cloudflare's TURN servers where HF_TOKEN is set, else no server is asked."""
    if token := os.environ.get("HF_TOKEN"):
        return await get_cloudflare_turn_credentials_async(hf_token=token)
    return {"iceServers": []}


def build_page(markup: str, title: str) -> gr.Blocks:
    """The Gradio page: our own markup, no component of Gradio's, fonts of the system."""
    theme = Theme(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Gradio 6, which does not load FastRTC
        with gr.Blocks(title=title, head=HEAD, theme=theme, analytics_enabled=False) as page:
            gr.HTML(markup, elem_id="avatar-page", padding=False)
    return page


class PageFiles(StaticFiles):
    """Files that the browser asks for again after an upgrade; unchanged ones cost it a line (304)."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """The file, with the header that says so."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


def avatar_app(make_engine: Callable[[], LiveEngine], name: str, *, visitors: int, files: Path) -> FastAPI:
    """Everything that is served.

    ``name`` is the avatar's; ``visitors`` how many may be connected at once; ``files`` the folder with ``page.html`` and what
    it loads. Warms the engine up, which compiles the render kernels, and takes the picture that is shown before Start.
    """
    engine = make_engine()
    frame = [engine.step(None).frame for _ in range(WARM_UP_TICKS)][-1]
    height, width, _ = frame.shape
    preview = io.BytesIO()
    Image.fromarray(frame[..., ::-1]).save(preview, "WEBP", quality=90)
    stream = avatar_stream(make_engine, visitors=visitors, rtc_configuration=rtc_configuration)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # What is there now stays. Set aside, it makes every later garbage collection short: no picture comes late for one.
        gc.collect()
        gc.freeze()
        yield
        await close_visits(stream)

    app = FastAPI(title=name, lifespan=lifespan)
    app.post("/webrtc/offer")(stream.offer)  # of FastRTC's routes the one that is needed: no telephone, no websocket
    app.post("/webrtc/leave", status_code=204)(partial(close_visit, stream))
    app.get("/rtc-config")(rtc_configuration)
    app.get("/preview.webp")(lambda: Response(preview.getvalue(), media_type="image/webp"))
    app.mount("/page", PageFiles(directory=files))
    markup = Template((files / "page.html").read_text("utf-8")).substitute(name=name, width=width, height=height)
    page = build_page(markup, f"{name} · bithuman_core")
    with redirect_stdout(None):  # Gradio prints a line of its own
        return gr.mount_gradio_app(app, page, path="/", show_api=False, ssr_mode=False)

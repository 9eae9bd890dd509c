"""The browser demo: speak into the microphone and the avatar speaks with you.

``python app.py`` serves it on http://127.0.0.1:7860; ``python app.py --help`` lists the settings, each of which can also be
given as an environment variable (``BITHUMAN_PORT=8000``).
"""

from __future__ import annotations

import io
import os
import secrets
import sys
import webbrowser
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from pathlib import Path
from socket import socket
from string import Template
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # nothing leaves the machine

import gradio as gr
import uvicorn
from fastapi import FastAPI, Response
from fastapi.staticfiles import StaticFiles
from fastrtc import get_cloudflare_turn_credentials_async
from gradio.themes import Default as Theme
from PIL import Image
from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from bithuman_core.engine import Engine, Fixture
from bithuman_core.errors import BithumanError
from bithuman_core.fastrtc import avatar_stream, close_visit, close_visits
from bithuman_core.fastrtc.live import LiveEngine
from bithuman_core.settings import models_dir

PAGE = Path(__file__).resolve().parent / "assets" / "page"
ON_SPACES = "SPACE_ID" in os.environ
WARM_UP_TICKS = 5


class DemoSettings(BaseSettings):
    """Serve the avatar on a web page."""

    model_config = SettingsConfigDict(
        env_prefix="BITHUMAN_",
        env_file=".env",
        extra="ignore",
        cli_prog_name="app.py",
        cli_kebab_case=True,
        cli_implicit_flags=True,
    )
    host: str = Field("0.0.0.0" if ON_SPACES else "127.0.0.1", description="Address to listen on; 0.0.0.0 for all.")
    port: int = Field(7860, ge=0, le=65535, description="Port to listen on.")
    max_visitors: int = Field(2, ge=1, description="How many people may be connected at once.")
    avatar: Path = Field(
        models_dir() / "mara.imx",
        validation_alias=AliasChoices("avatar", "BITHUMAN_AVATAR", "BITHUMAN_MODEL_PATH"),
        description="The avatar, an .imx file.",
    )
    open_browser: bool = Field(not ON_SPACES, description="Open the page in a browser where there is a display.")


@lru_cache(1)
def settings() -> DemoSettings:
    """The settings of this process, read once."""
    return DemoSettings(_cli_parse_args=True)  # pyright: ignore[reportCallIssue]


async def rtc_configuration() -> dict[str, Any]:
    """The browser's RTCConfiguration: TURN servers from Cloudflare where HF_TOKEN is set, else none are needed."""
    if token := os.environ.get("HF_TOKEN"):
        return await get_cloudflare_turn_credentials_async(hf_token=token)
    return {"iceServers": []}


def build_page(name: str, size: tuple[int, int]) -> gr.Blocks:
    """The Gradio page: our own stage, no component of Gradio's."""
    width, height = size
    markup = Template((PAGE / "page.html").read_text("utf-8")).substitute(name=name, width=width, height=height)
    head = '<link rel="stylesheet" href="page/page.css"><script type="module" src="page/page.js"></script>'
    theme = Theme(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])  # nothing is fetched
    with gr.Blocks(title=f"{name} · bithuman_core", head=head, theme=theme, analytics_enabled=False) as page:
        gr.HTML(markup, elem_id="avatar-page", padding=False)
    return page


def build_app(make_engine: Callable[[], LiveEngine], name: str, visitors: int) -> FastAPI:
    """The whole web application. Warms the engine up: compiles the render kernels and takes the picture before Start."""
    engine = make_engine()
    frame = [engine.step(None).frame for _ in range(WARM_UP_TICKS)][-1]
    preview = io.BytesIO()
    Image.fromarray(frame[..., ::-1]).save(preview, "WEBP", quality=90)
    stream = avatar_stream(make_engine, visitors=visitors, rtc_configuration=rtc_configuration)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await close_visits(stream)

    app = FastAPI(title="bithuman_core demo", lifespan=lifespan)
    stream.mount(app)
    app.post("/webrtc/leave", status_code=204)(partial(close_visit, stream))
    app.get("/rtc-config")(rtc_configuration)
    app.get("/preview.webp")(lambda: Response(preview.getvalue(), media_type="image/webp"))
    app.mount("/page", StaticFiles(directory=PAGE))
    page = build_page(name, (frame.shape[1], frame.shape[0]))
    return gr.mount_gradio_app(app, page, path="/", show_api=False, ssr_mode=False)


class Server(uvicorn.Server):
    """Says when the page can be opened, and opens it where there is a display."""

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        url = f"http://{self.config.host.replace('0.0.0.0', '127.0.0.1')}:{self.config.port}"
        print(f"Ready: open {url}", flush=True)
        if settings().open_browser and (sys.platform == "darwin" or {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()):
            webbrowser.open(url)


def serve(make_engine: Callable[[], LiveEngine], name: str) -> None:
    """Serve the page until interrupted."""
    app = build_app(make_engine, name, settings().max_visitors)
    Server(uvicorn.Config(app, settings().host, settings().port, log_level="warning")).run()


def main() -> None:
    """The demo with an avatar file."""
    path = settings().avatar
    print("Preparing the avatar … (the very first start compiles its renderer, which takes a few seconds)", flush=True)
    try:
        fixture = Fixture.load(path)
    except BithumanError as error:
        sys.exit(str(error))
    serve(lambda: Engine(fixture, secrets.randbits(32)), fixture.manifest.name)


if __name__ == "__main__":
    main()

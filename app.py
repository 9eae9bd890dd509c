"""The browser demo: an avatar that speaks your words as you speak, a sound file, or a text.

``python app.py`` serves it on http://127.0.0.1:7860; ``python app.py --help`` lists the settings, each of which can also be
given as an environment variable (``BITHUMAN_PORT=8000``) or in a ``.env`` file.
"""

from __future__ import annotations

import os
import signal
import sys
import webbrowser
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from socket import create_server, socket

import uvicorn
from pydantic import AliasChoices, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bithuman_core.demo.gallery import Gallery
from bithuman_core.demo.limits import Limits
from bithuman_core.demo.photos import photo_builder
from bithuman_core.demo.server import avatar_app
from bithuman_core.errors import BithumanError
from bithuman_core.fastrtc.avatar_engine import AvatarEngine, AvatarState
from bithuman_core.fastrtc.live_session import LiveEngine
from bithuman_core.fastrtc.turn import relay_is_set_up
from bithuman_core.settings import models_dir

PAGE = Path(__file__).resolve().parent / "assets" / "page"
ON_SPACES = "SPACE_ID" in os.environ  # Hugging Face Spaces: a container behind a proxy
LONGEST_WORD = 1024  # bytes of a message on a page's line


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
    port: int = Field(7860, ge=1, le=65535, description="Port to listen on.")
    max_visitors: int = Field(3, ge=1, description="How many people may be live at once; the next ones wait in line.")
    visit_minutes: float = Field(
        10 if ON_SPACES else 0, ge=0, description="Longest time live at a stretch, so that others get their turn; 0: no limit."
    )
    avatar: Path = Field(
        models_dir() / "mara.imx",
        validation_alias=AliasChoices("avatar", "BITHUMAN_AVATAR", "BITHUMAN_MODEL_PATH"),
        description="The avatar that is shown first, an .imx file; the shipped ones follow.",
    )
    photos: bool = Field(True, description="Let visitors make avatars from photos.")
    open_browser: bool = Field(not ON_SPACES, description="Open the page in a browser where there is a display.")


@lru_cache(1)
def settings() -> DemoSettings:
    """The settings of this process, read once. Ends it with a sentence where one is wrong."""
    try:
        return DemoSettings(_cli_parse_args=True)  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        faults = [(str(fault["loc"][0]).replace("_", "-"), fault["msg"], fault["input"]) for fault in error.errors()]
    sys.exit("\n".join(f"--{name}: {message}, not {given!r}." for name, message, given in faults))


class Server(uvicorn.Server):
    """Says when the page can be opened, and opens it where there is a display."""

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        url = f"http://{self.config.host.replace('0.0.0.0', '127.0.0.1')}:{self.config.port}"
        print(f"Ready: open {url} and press Start. Ctrl+C ends it.", flush=True)
        if settings().open_browser and (sys.platform == "darwin" or {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()):
            webbrowser.open(url)


def avatar_files() -> list[Path]:
    """The avatar of the settings, then the others that ship."""
    first = settings().avatar
    return [first, *(path for path in sorted(models_dir().glob("*.imx")) if path.resolve() != first.resolve())]


def serve(make_engine: Callable[[AvatarState], LiveEngine] = AvatarEngine) -> None:
    """Serve the page until interrupted. ``act`` makes the engine that plays a role."""
    host, port, minutes = settings().host, settings().port, settings().visit_minutes
    if ON_SPACES and not relay_is_set_up():
        print("Visitors cannot be reached from here without a relay: set the secret HF_TOKEN (see docs/hosting.md).", flush=True)
    try:
        listener = create_server((host, port))
        print("Preparing the avatars … (the very first start compiles their renderer, which takes some seconds)", flush=True)
        gallery = Gallery(avatar_files())
    except OSError as error:
        sys.exit(f"Nothing can listen on {host}:{port} ({os.strerror(error.errno or 0)}): choose another --port or --host.")
    except BithumanError as error:
        sys.exit(str(error))
    app = avatar_app(
        gallery,
        places=settings().max_visitors,
        files=PAGE,
        limits=Limits(live=60 * minutes) if minutes else Limits(),
        build=photo_builder() if settings().photos else None,
        make_engine=make_engine,
    )
    config = uvicorn.Config(
        app, host, port, log_level="warning", timeout_graceful_shutdown=3, server_header=False, ws_max_size=LONGEST_WORD
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)  # uvicorn ends the visits, then raises it again: that is no failure
    Server(config).run([listener])


if __name__ == "__main__":
    serve()

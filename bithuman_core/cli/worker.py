"""``worker``: avatars for LiveKit rooms, asked for over HTTP."""

from __future__ import annotations

import asyncio
import os
from importlib.util import find_spec
from pathlib import Path
from socket import create_server
from typing import TYPE_CHECKING, Annotated

import typer

from bithuman_core.cli.common import DefaultAvatar, app, say
from bithuman_core.errors import Failed
from bithuman_core.settings import default_avatar

if TYPE_CHECKING:
    from bithuman_core.worker.agent_server import LiveKitServer

NEEDED = ("fastapi", "uvicorn", "python_multipart", "livekit")


@app.command()
def worker(
    avatar: DefaultAvatar = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8089,
    max_tasks: Annotated[int, typer.Option(help="Avatars in rooms at once.", min=1)] = os.cpu_count() or 1,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(help="Name that the worker is called by, e.g. worker.example or *.internal; repeat for more."),
    ] = None,
    avatars: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Of .imx files that may be asked for by name, beside the shipped ones.")
    ] = None,
    livekit_url: Annotated[
        str | None,
        typer.Option(help="Be an agent server there, too: wss://…; LIVEKIT_API_KEY and LIVEKIT_API_SECRET have to be set."),
    ] = None,
    agent_name: Annotated[str, typer.Option(help="Name by which avatars are dispatched.")] = "bithuman-avatar",
    fetch_from: Annotated[
        list[str] | None,
        typer.Option(help="Host or network of your own that avatar_image_url may name, e.g. 10.1.0.0/16; repeat for more."),
    ] = None,
) -> None:
    """Serve avatars to LiveKit rooms: POST /launch puts one into a room, and so do dispatches (see docs/worker.md)."""
    if any(find_spec(module) is None for module in NEEDED):
        raise Failed("The worker needs the packages of two extras: pip install 'bithuman-core[livekit,fastrtc]'.")
    from bithuman_core.demo.connections import server_config
    from bithuman_core.demo.ending import EndingServer
    from bithuman_core.demo.limits import Limits
    from bithuman_core.heap import share_heaps
    from bithuman_core.hosts import KnownHosts
    from bithuman_core.worker import WorkerLimits, worker_app
    from bithuman_core.worker.addresses import Addresses
    from bithuman_core.worker.avatars import Wardrobe

    try:
        Addresses(fetch_from or ())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--fetch-from") from None
    livekit = None if livekit_url is None else _agent_server(livekit_url, agent_name)
    try:
        listener = create_server((host, port))
    except OSError as error:
        raise Failed(f"Nothing can listen on {host}:{port} ({error.strerror}): choose another --port or --host.") from error
    limits = WorkerLimits(tasks=max_tasks, fetch_from=tuple(fetch_from or ()))
    share_heaps()
    wardrobe = Wardrobe(avatar or default_avatar(), avatars)
    wardrobe.start()
    application = worker_app(wardrobe, limits, hosts=KnownHosts(host, allowed_host or ()), livekit=livekit)

    def ready() -> None:
        say(f"Ready: POST http://{host}:{port}/launch. Ctrl+C ends it.")

    EndingServer(server_config(application, Limits()), ready, wardrobe.close).run_and_exit(listener)


def _agent_server(url: str, agent_name: str) -> LiveKitServer:
    """Where jobs come from. Raises BadParameter, and Failed where it does not answer."""
    from bithuman_core.worker.agent_server import LiveKitServer

    key, secret = (os.environ.get(name) for name in ("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"))
    if not url.startswith(("ws://", "wss://", "http://", "https://")):
        raise typer.BadParameter("It is no address of a LiveKit server: give ws(s)://host.", param_hint="--livekit-url")
    if not key or not secret:
        raise typer.BadParameter("LIVEKIT_API_KEY and LIVEKIT_API_SECRET are not set.", param_hint="--livekit-url")
    livekit = LiveKitServer(url, key, secret, agent_name)
    asyncio.run(livekit.check())
    return livekit

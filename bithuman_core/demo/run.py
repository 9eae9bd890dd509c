"""Serving the demo: ``app.py`` and ``bithuman-core demo``."""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import webbrowser
from collections.abc import Callable, Sequence
from socket import create_server

try:
    import gradio as gr
except FileNotFoundError as error:  # it looks for a folder for temporary files when it is imported
    sys.exit(f"The page keeps files while it runs, and no folder can be written: let TMPDIR name one. ({error.strerror})")
from fastapi import FastAPI

from bithuman_core.conversation import Tool
from bithuman_core.demo.connections import server_config
from bithuman_core.demo.context import DemoContext
from bithuman_core.demo.conversation import answering
from bithuman_core.demo.ending import EndingServer
from bithuman_core.demo.gallery import Gallery
from bithuman_core.demo.limits import Limits
from bithuman_core.demo.memory import EARS_MIB, MIB, PHOTO_MIB, VOICE_MIB, memory_limit, shortage
from bithuman_core.demo.photo_builder import photo_builder
from bithuman_core.demo.server import EVERY_HOST, app_options, make_app, make_context, page_options
from bithuman_core.demo.settings import ON_SPACES, DemoSettings, avatar_files, read_settings
from bithuman_core.errors import BithumanError
from bithuman_core.fastrtc.avatar_engine import AvatarEngine, AvatarState
from bithuman_core.fastrtc.live_session import LiveEngine
from bithuman_core.fastrtc.turn import relay_is_set_up
from bithuman_core.heap import share_heaps
from bithuman_core.uploads import reading_pool
from bithuman_core.voice import text_to_speech


def prepare(
    settings: DemoSettings, make_engine: Callable[[AvatarState], LiveEngine] = AvatarEngine, tools: Sequence[Tool] = ()
) -> DemoContext:
    """Load the avatars. tools: what a model that answers may ask this program.

    Ends the process with a sentence where one cannot be loaded.
    """
    share_heaps()
    print("Preparing the avatars … (the very first start compiles their renderer, which takes some seconds)", flush=True)
    minutes = settings.visit_minutes
    try:
        multiprocessing.Lock()
    except OSError as error:
        sys.exit(f"The page needs shared memory ({error.strerror}): let programs write to /dev/shm (docker: --tmpfs /dev/shm).")
    memory = memory_limit()
    if short := shortage(memory, settings.photos):
        print(short, flush=True)
    reading = reading_pool()
    try:
        gallery = Gallery(avatar_files(settings))
        tempfile.tempdir = str(gallery.folder)  # what Gradio writes in passing goes with the process, too
        context = make_context(
            gallery,
            places=settings.max_visitors,
            limits=Limits(live=60 * minutes) if minutes else Limits(),
            build=photo_builder(reading) if settings.photos and memory >= PHOTO_MIB * MIB else None,
            make_engine=make_engine,
            places_each=settings.places_per_address,
            reading=reading,
            answers=answering(with_ears=memory >= EARS_MIB * MIB, tools=tools),
            speech=text_to_speech(with_natural=memory >= VOICE_MIB * MIB),
        )
        reading.start()  # now that the kernels are compiled
        return context
    except BithumanError as error:
        sys.exit(str(error))


def main(make_engine: Callable[[AvatarState], LiveEngine] = AvatarEngine, tools: Sequence[Tool] = ()) -> None:
    """Serve the page as the command line says. tools: what a model that answers may ask this program."""
    settings = read_settings(command_line=True)
    context = prepare(settings, make_engine, tools)
    serve(context, *make_app(context, settings.host, settings.names), settings)


def reloading() -> bool:
    """Whether ``gradio app.py`` runs this, which watches the files."""
    return bool(os.environ.get("GRADIO_WATCH_DIRS"))


def serve(context: DemoContext, demo: gr.Blocks, app: FastAPI, settings: DemoSettings) -> None:
    """Serve the page until interrupted; ``demo`` by Gradio's own server where that follows changes of the files."""
    host, port = settings.host, settings.port
    if reloading():
        demo.dev_mode = True  # mounting it has taken that from it
        options = app_options(context, demo, host, settings.names)
        demo.launch(server_name=host, server_port=port, app_kwargs=options, **page_options(context))
        return
    if ON_SPACES and not relay_is_set_up():
        print("Visitors cannot be reached from here without a relay: set the secret HF_TOKEN (see docs/hosting.md).", flush=True)
    try:
        listener = create_server((host, port))
    except OSError as error:
        sys.exit(f"Nothing can listen on {host}:{port} ({os.strerror(error.errno or 0)}): choose another --port or --host.")
    config = server_config(app, context.limits, trusted_proxies=settings.trusted_proxies, host=host, port=port)

    def ready() -> None:
        url = f"http://{host.replace(EVERY_HOST, '127.0.0.1')}:{port}"
        print(f"Ready: open {url} and press Start. Ctrl+C ends it.", flush=True)
        if settings.open_browser and (sys.platform == "darwin" or {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()):
            webbrowser.open(url)

    EndingServer(config, ready, context.end_work).run_and_exit(listener, context.gallery.close)

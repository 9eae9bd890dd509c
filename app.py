"""The browser demo: an avatar that speaks your words as you speak, a sound file, or a text.

``python app.py`` serves it on http://127.0.0.1:7860; ``python app.py --help`` lists the settings, each of which can also be
given as an environment variable (``BITHUMAN_PORT=8000``) or in a ``.env`` file. ``demo`` is the Gradio app, ``app`` the FastAPI
application that mounts it beside FastRTC's stream; ``gradio app.py`` follows changes.
"""

from __future__ import annotations

from bithuman_core.demo.run import prepare, reloading, serve
from bithuman_core.demo.server import make_app
from bithuman_core.demo.settings import read_settings

settings = read_settings(command_line=__name__ == "__main__" and not reloading())
context = prepare(settings)
demo, app = make_app(context, settings.host, settings.names)

if __name__ == "__main__":
    serve(context, demo, app, settings)

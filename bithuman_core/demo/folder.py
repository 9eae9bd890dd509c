"""Where a demo keeps files: its pictures, what visitors bring, what is made for them."""

from __future__ import annotations

import os
from pathlib import Path

from gradio import mcp, routes

from bithuman_core.private_folder import PrivateFolder

PREFIX = "bithuman-page-"


def demo_folder() -> PrivateFolder:
    """A new folder of this process, and of Gradio's files. Raises OSError."""
    folder = PrivateFolder(PREFIX)
    give_gradio(folder.path)
    return folder


def give_gradio(folder: Path) -> None:
    """From now on Gradio keeps its files in this folder, and an app that is made gives away what is below it.

    It does so to whoever knows a file's whole path: folders of visitors have names that nobody can guess.
    """
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    for module in (mcp, routes):  # these have read it when they were imported
        vars(module)["DEFAULT_TEMP_DIR"] = str(folder)

"""Where a demo keeps files: its pictures, what visitors bring, what is made for them."""

from __future__ import annotations

import os

from gradio import mcp, routes

from bithuman_core.private_folder import PrivateFolder

PREFIX = "bithuman-page-"


def demo_folder() -> PrivateFolder:
    """A new folder of this process. From now on Gradio keeps its files there, too. Raises OSError.

    Gradio gives a file below it to whoever knows its whole path: folders of visitors have names that nobody can guess.
    """
    folder = PrivateFolder(PREFIX)
    os.environ["GRADIO_TEMP_DIR"] = str(folder.path)
    for module in (mcp, routes):  # these have read it when they were imported
        vars(module)["DEFAULT_TEMP_DIR"] = str(folder.path)
    return folder

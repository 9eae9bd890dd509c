"""Where a demo keeps files: its pictures, what visitors bring, what is made for them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_folders: list[tempfile.TemporaryDirectory[str]] = []  # removed when the process ends


def private_folder() -> Path:
    """A new folder that only this user can read, removed with the process. From now on Gradio keeps its files there, too.

    Gradio gives a file below it to whoever knows its whole path: folders of visitors have names that nobody can guess.
    """
    folder = tempfile.TemporaryDirectory(prefix="bithuman-demo-", ignore_cleanup_errors=True)
    _folders.append(folder)
    os.environ["GRADIO_TEMP_DIR"] = folder.name
    return Path(folder.name)

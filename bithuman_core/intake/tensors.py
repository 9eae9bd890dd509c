"""Opening safetensors files: their arrays, mapped and not copied, and nothing that could be run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors import safe_open


def open_tensors(path: Path) -> Any:
    """A context manager that gives the file's ``metadata()``, ``keys()``, ``get_slice(name)`` and ``get_tensor(name)``.

    Raises SafetensorError where its header does not fit its size, OSError.
    """
    return safe_open(path, framework="np")

"""One session of an avatar on the clock: sound goes in as it comes, a frame comes out every 40 ms, with and without asyncio.

The names below are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bithuman_core.runtime.asynchronous import AsyncBithuman
    from bithuman_core.runtime.opening import Avatar, open
    from bithuman_core.runtime.synchronous import Bithuman, ComposedFrame, Runtime

__all__ = ["AsyncBithuman", "Avatar", "Bithuman", "ComposedFrame", "Runtime", "open"]

_HOME = {
    "AsyncBithuman": "asynchronous",
    **dict.fromkeys(("Bithuman", "ComposedFrame", "Runtime"), "synchronous"),
    **dict.fromkeys(("Avatar", "open"), "opening"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'bithuman_core.runtime' has no attribute {name!r}")
    return getattr(import_module(f"bithuman_core.runtime.{_HOME[name]}"), name)

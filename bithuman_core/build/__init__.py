"""Making `.imx` avatars from a photo, on this machine. Needs the extra `bithuman-core[build]`.

The names below are imported on first use: they bring the nets' runtime and scipy along.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bithuman_core.build.analysis import analyse
    from bithuman_core.build.builder import BuildReport, build_avatar
    from bithuman_core.build.cache import avatar_file
    from bithuman_core.build.photo.portrait import Portrait

__all__ = ["BuildReport", "Portrait", "analyse", "avatar_file", "build_avatar"]

_HOME = {"BuildReport": "builder", "Portrait": "photo.portrait", "analyse": "analysis", "avatar_file": "cache",
         "build_avatar": "builder"}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'bithuman_core.build' has no attribute {name!r}")
    try:
        return getattr(import_module(f"bithuman_core.build.{_HOME[name]}"), name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Making an avatar from a photo needs more packages: pip install 'bithuman-core[build]'.", name=error.name
        ) from error

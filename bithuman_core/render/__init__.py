"""From a face state to pixels: rigs (shared, read-only) and renderers (one a session) of portraits and of footage.

The names below are imported on first use: the builder and the command line use single files of this room, and would load all of
its kernels otherwise.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bithuman_core.render.footage.loading import read_footage
    from bithuman_core.render.footage.renderer import FootageRenderer
    from bithuman_core.render.footage.rig import FootageRig
    from bithuman_core.render.footage.scene import FilmScene
    from bithuman_core.render.kinds import Rig, any_rig, can_be_cut_out, renderer_for, scene_for
    from bithuman_core.render.loading import load_rig, read_rig
    from bithuman_core.render.matte.cut_out import PortraitScene
    from bithuman_core.render.matte.scene import Scene
    from bithuman_core.render.renderer import PortraitRenderer
    from bithuman_core.render.rig import LipMeasure, PortraitRig

_HOME = {
    "FilmScene": "footage.scene",
    "FootageRenderer": "footage.renderer",
    "FootageRig": "footage.rig",
    "PortraitRenderer": "renderer",
    "PortraitScene": "matte.cut_out",
    "Scene": "matte.scene",
    "read_footage": "footage.loading",
    **dict.fromkeys(("LipMeasure", "PortraitRig"), "rig"),
    **dict.fromkeys(("Rig", "any_rig", "can_be_cut_out", "renderer_for", "scene_for"), "kinds"),
    **dict.fromkeys(("load_rig", "read_rig"), "loading"),
}

__all__ = [
    "FilmScene",
    "FootageRenderer",
    "FootageRig",
    "LipMeasure",
    "PortraitRenderer",
    "PortraitRig",
    "PortraitScene",
    "Rig",
    "Scene",
    "any_rig",
    "can_be_cut_out",
    "load_rig",
    "read_footage",
    "read_rig",
    "renderer_for",
    "scene_for",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'bithuman_core.render' has no attribute {name!r}")
    return getattr(import_module(f"bithuman_core.render.{_HOME[name]}"), name)

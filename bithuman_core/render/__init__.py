"""From a face state to pixels: rigs (shared, read-only) and renderers (one a session) of portraits and of footage."""

from bithuman_core.render.footage.renderer import FootageRenderer
from bithuman_core.render.footage.rig import FootageRig
from bithuman_core.render.loading import load_rig, read_rig
from bithuman_core.render.renderer import PortraitRenderer
from bithuman_core.render.rig import LipMeasure, PortraitRig

__all__ = ["FootageRenderer", "FootageRig", "LipMeasure", "PortraitRenderer", "PortraitRig", "load_rig", "read_rig"]

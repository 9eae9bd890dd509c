"""From a face state to pixels: the portrait rig (shared, read-only) and the renderer (one a session)."""

from bithuman_core.render.loading import load_rig, read_rig
from bithuman_core.render.renderer import PortraitRenderer
from bithuman_core.render.rig import LipMeasure, PortraitRig

__all__ = ["LipMeasure", "PortraitRenderer", "PortraitRig", "load_rig", "read_rig"]

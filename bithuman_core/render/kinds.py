"""Rigs, renderers and scenes of avatars of either kind."""

from __future__ import annotations

from bithuman_core.background import OWN, Background
from bithuman_core.imx import ImxFile
from bithuman_core.render.footage.loading import read_footage
from bithuman_core.render.footage.renderer import FootageRenderer
from bithuman_core.render.footage.rig import FootageRig
from bithuman_core.render.footage.scene import FilmScene, film_scene
from bithuman_core.render.loading import read_rig
from bithuman_core.render.matte.cut_out import PortraitScene, portrait_scene
from bithuman_core.render.renderer import PortraitRenderer
from bithuman_core.render.rig import PortraitRig

Rig = PortraitRig | FootageRig


def any_rig(avatar: ImxFile, side: int | None = None) -> Rig:
    """The rig of an avatar file of either kind. side: of a portrait's frames, see :func:`read_rig`; footage has one size.

    Raises ModelLoadError, ModelSecurityError, ValueError.
    """
    return read_footage(avatar) if avatar.manifest.kind == "footage" else read_rig(avatar, side)


def renderer_for(rig: Rig, scene: PortraitScene | FilmScene | None = None) -> PortraitRenderer | FootageRenderer:
    """A renderer of the rig's kind, before a scene of it; its ``render(face)`` gives a frame (of footage: its best one)."""
    if isinstance(rig, FootageRig):
        film = FootageRenderer(rig)
        if isinstance(scene, FilmScene):
            film.show(scene)
        return film
    portrait = PortraitRenderer(rig)
    if isinstance(scene, PortraitScene):
        portrait.show(scene)
    return portrait


def can_be_cut_out(rig: Rig) -> bool:
    """Whether an avatar can stand before another background: all but films without a matte."""
    return not isinstance(rig, FootageRig) or rig.matte is not None


def scene_for(rig: Rig, background: Background = OWN) -> PortraitScene | FilmScene:
    """The scene of a background for a rig of either kind, for ``show`` of its renderers. Off the event loop: up to 0.2 s of work.

    Raises BackgroundError for another background than the own one of a film without a matte.
    """
    return film_scene(rig, background) if isinstance(rig, FootageRig) else portrait_scene(rig, background)

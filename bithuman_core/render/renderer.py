"""The renderer of one session: face state in, BGR frame out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import FaceState
from bithuman_core.render.bands import Bands
from bithuman_core.render.drawing import draw
from bithuman_core.render.eyes import Eyes
from bithuman_core.render.matte.cut_out import PortraitScene
from bithuman_core.render.mouth import MouthLight, tint_table
from bithuman_core.render.pixel_filter import PixelFilter
from bithuman_core.render.posing import WEIGHTS, blend_shapes, head_transforms, project
from bithuman_core.render.residual import ResidualSum
from bithuman_core.render.rig import PortraitRig
from bithuman_core.render.texel import UV_STEPS

STAGGER = 0.25  # px: see raster.py
Floats = NDArray[np.float32]


class PortraitRenderer:
    """Renders faces of a rig. Holds scratch buffers only: the same face gives the same frame, whatever came before."""

    def __init__(self, rig: PortraitRig) -> None:
        self.rig = rig
        width, height = rig.size
        self._points = np.empty_like(rig.vertices)
        self._screen = np.empty_like(rig.vertices)
        self._back_screen = np.empty_like(rig.backdrop_vertices)
        self._transforms = np.empty((WEIGHTS, 12), np.float32)
        self._head = Bands(rig.triangles, rig.part, 2 * height, width, STAGGER)
        self._back = Bands(rig.backdrop_triangles, np.zeros(len(rig.backdrop_triangles), np.uint8), height, width, 0.0)
        self._uv, self._back_uv = rig.uv * UV_STEPS, rig.backdrop_uv * UV_STEPS
        self._texture = rig.texture.copy()  # residuals are laid over it, the eyes painted into it
        self._residual = ResidualSum(rig.smooth, rig.detail, rig.texture, self._texture, rig.residual_side)
        self._eyes = Eyes(rig, self._texture)
        self._light = np.zeros(len(rig.vertices), np.float32)
        self._full_light = np.zeros(len(rig.backdrop_vertices), np.float32)
        self._mouth = MouthLight(rig)
        self._tint = tint_table(rig.mouth_ambient, rig.mouth_warmth)
        self._under = np.empty((height // self._head.count, width, 3), np.uint8)
        self._pixel_filter = PixelFilter(rig.pixel_filter, width)
        self._scene = PortraitScene()
        self.alpha: NDArray[np.uint8] | None = None  # [height, width] of the last frame, where the scene is transparent
        self._row = np.empty((4, width), np.uint32), np.empty(width, np.uint8)
        self._meshes = (self._head.mesh(self._screen, self._uv, self._light),
                        self._back.mesh(self._back_screen, self._back_uv, self._full_light))  # fmt: skip

    def show(self, scene: PortraitScene) -> None:
        """Stand before a scene that was made for this rig, from the next frame on."""
        self._scene = scene

    def render(self, face: FaceState, out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """The frame of a face: BGR uint8 [height, width, 3], in ``out`` where one is given.

        Before a transparent scene the colours are times alpha, and :attr:`alpha` has it.
        Coefficients beyond 0..1 are clamped and head poses eased into the rig's limits. Raises ValueError for a value
        that is not a number and for an ``out`` that does not fit.
        """
        rig, shapes = self.rig, self.rig.shapes
        width, height = rig.size
        if out is None:
            out = np.empty((height, width, 3), np.uint8)
        elif out.shape != (height, width, 3) or out.dtype != np.uint8 or not out.flags.c_contiguous:
            raise ValueError(f"out must be a contiguous uint8 array [{height}, {width}, 3].")
        amount = rig.coefficients(face)
        blend_shapes(rig.vertices, shapes.start, shapes.index, shapes.delta, amount, self._points)
        head, lift = rig.head(face), rig.lift(face)
        head_transforms(head, lift, self._transforms)
        scale = rig.scale
        view = self._transforms, rig.pivot, rig.distance, *rig.centre, scale
        project(self._points, rig.weight, *view, 2 * scale, self._screen)
        project(rig.backdrop_vertices, rig.backdrop_weight, *view, scale, self._back_screen)
        self._residual.update(rig.correctives.amounts(amount, head))
        self._eyes.look(amount, head)
        self._mouth.light(self._points, self._light)
        self._head.sort(self._screen)
        self._back.sort(self._back_screen)
        scene = self._scene
        still, plate = scene.still or rig.still, rig.plate if scene.plate is None else scene.plate
        behind = plate, still.picture, still.top, lift * scale, self._under
        colours = self._texture, rig.backdrop if scene.backdrop is None else scene.backdrop, self._tint
        cover = np.empty((height if scene.transparent else 0, width), np.uint8)
        draw(*self._meshes, *behind, *colours, *self._row, self._pixel_filter.lines, self._pixel_filter.side, out, cover)
        self.alpha = cover if scene.transparent else None
        return out

"""Drawing of one session on the graphics processor; where that is gone, on the CPU, within the same tick."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import FaceState
from bithuman_core.render.footage.drawing import FaceDrawing
from bithuman_core.render.footage.layers import Moved, Opening
from bithuman_core.render.gpu.device import GpuError
from bithuman_core.render.gpu.faces import Asked
from bithuman_core.render.gpu.together import FilmsTogether, PortraitsTogether
from bithuman_core.render.matte.cut_out import PortraitScene
from bithuman_core.render.renderer import PortraitRenderer

logger = logging.getLogger(__name__)
_said = set[str]()


class GpuRenderer:
    """Renders faces as :class:`bithuman_core.render.renderer.PortraitRenderer` does."""

    def __init__(self, drawing: PortraitsTogether) -> None:
        self.rig = drawing.rig
        self.alpha: NDArray[np.uint8] | None = None  # [height, width] of the last frame, where the scene is transparent
        self._drawing = drawing
        self._scene: PortraitScene | None = None
        self._cpu: PortraitRenderer | None = None

    def show(self, scene: PortraitScene) -> None:
        """Stand before a scene that was made for this rig, from the next frame on."""
        self._scene = scene
        if self._cpu is not None:
            self._cpu.show(scene)

    def render(self, face: FaceState) -> NDArray[np.uint8]:
        """The frame of a face: BGR uint8 [height, width, 3]. Raises ValueError for a value that is not a number."""
        if self._cpu is None:
            try:
                frame = self._drawing.frame(face, self._scene)
            except GpuError as error:
                self._cpu = PortraitRenderer(self.rig)
                if self._scene is not None:
                    self._cpu.show(self._scene)
                _say_once(error.message)
            else:
                clear = frame.shape[2] == 4
                self.alpha = np.ascontiguousarray(frame[..., 3]) if clear else None
                return np.ascontiguousarray(frame[..., :3]) if clear else frame
        frame = self._cpu.render(face)
        self.alpha = self._cpu.alpha
        return frame


class GpuFaceDrawing:
    """Draws moved faces as :class:`bithuman_core.render.footage.drawing.FaceDrawing` does."""

    def __init__(self, drawing: FilmsTogether) -> None:
        self._drawing = drawing
        self._cpu: FaceDrawing | None = None

    def draw(self, frame: NDArray[np.uint8], face: Moved, opening: Opening | None, out: NDArray[np.uint8]) -> None:
        """out [h, w, 3] = the frame with the face moved. frame: uint8 [h, w, 3]; out is another array."""
        if self._cpu is None:
            try:
                out[:] = self._drawing.frame(Asked(frame, face, opening))
                return
            except GpuError as error:
                rig = self._drawing.rig
                self._cpu = FaceDrawing(rig.size, rig.triangles, rig.light, len(rig.jaw[0]))
                _say_once(error.message)
        self._cpu.draw(frame, face, opening, out)


def _say_once(why: str) -> None:
    if not _said:
        _said.add(why)
        logger.warning("%s The CPU draws from here on.", why)

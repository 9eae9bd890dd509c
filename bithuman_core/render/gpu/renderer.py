"""Drawing of one session on the graphics processor; where that is gone, on the CPU, within the same tick."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import FaceState
from bithuman_core.render.footage.cut_out import Before
from bithuman_core.render.footage.drawing import FilmDrawing
from bithuman_core.render.footage.renderer import Face, Picture
from bithuman_core.render.footage.turning import Turned
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
                self._lose(error)
            else:
                clear = frame.shape[2] == 4
                self.alpha = np.ascontiguousarray(frame[..., 3]) if clear else None
                return np.ascontiguousarray(frame[..., :3]) if clear else frame
        assert self._cpu is not None
        frame = self._cpu.render(face)
        self.alpha = self._cpu.alpha
        return frame

    def planes(self, face: FaceState) -> NDArray[np.uint8] | None:
        """The same as I420 [height * 3 / 2, width], half as many bytes to read back; None: there are none, :meth:`render` it.

        There are none of widths that 8 does not divide, before a transparent scene, and where the device is gone.
        """
        width, height = self.rig.size
        if self._cpu is not None or width % 8 or height % 2 or (self._scene is not None and self._scene.transparent):
            return None
        try:
            return self._drawing.planes(face, self._scene)
        except GpuError as error:
            self._lose(error)
            return None

    def _lose(self, error: GpuError) -> None:
        """The CPU draws from here on."""
        self._cpu = PortraitRenderer(self.rig)
        if self._scene is not None:
            self._cpu.show(self._scene)
        _say_once(error.message)


class GpuFilmDrawing:
    """Draws pictures of a film as :class:`bithuman_core.render.footage.drawing.FilmDrawing` does."""

    def __init__(self, drawing: FilmsTogether) -> None:
        self._drawing = drawing
        self._cpu: FilmDrawing | None = None

    @property
    def coded(self) -> bool:
        """Frames are best given as they are coded."""
        return self._cpu is None

    def draw(self, picture: Picture | Turned | Before, face: Face | None, out: Picture) -> None:
        """out [h, w, 3] = the picture with the face moved, None: nothing of it moves. out is another array."""
        if self._cpu is None and not isinstance(picture, np.ndarray):
            try:
                out[:] = self._drawing.frame(Asked(picture, face))
                return
            except GpuError as error:
                self._cpu = FilmDrawing(self._drawing.rig)
                _say_once(error.message)
        assert self._cpu is not None  # else nobody would have made a picture of a frame
        self._cpu.draw(picture, face, out)


def _say_once(why: str) -> None:
    if not _said:
        _said.add(why)
        logger.warning("%s The CPU draws from here on.", why)

"""What sessions of one avatar ask for at the same time is drawn together: one submission for all of them."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import FaceState
from bithuman_core.render.gpu.device import Gpu, gpu_errors
from bithuman_core.render.gpu.portrait import MOST, GpuPortrait
from bithuman_core.render.matte.cut_out import PortraitScene
from bithuman_core.render.rig import PortraitRig

FIRST_ROOM = 4  # sessions in one submission; it grows with those that come together

Frame = NDArray[np.uint8]


class DrawnTogether:
    """The drawing of one avatar for all its sessions. :meth:`frame` may be called from any thread."""

    def __init__(self, gpu: Gpu, rig: PortraitRig) -> None:
        self.rig, self._gpu = rig, gpu
        with gpu_errors():
            self._portrait = GpuPortrait(gpu, rig, FIRST_ROOM)
        self._asked = deque[tuple[FaceState, PortraitScene | None, Future[Frame]]]()
        self._thread = ThreadPoolExecutor(1, "gpu")

    def frame(self, face: FaceState, scene: PortraitScene | None = None) -> Frame:
        """The frame of a face before a scene: BGR [H, W, 3], or BGRA, colours times alpha. Waits for it.

        Raises ValueError for a face value that is not a number, GpuError where the device is lost or has no memory left.
        """
        self.rig.coefficients(face)  # one that cannot be drawn is nobody else's
        drawn = Future[Frame]()
        self._asked.append((face, scene, drawn))
        self._thread.submit(self._draw)
        return drawn.result()

    def _draw(self) -> None:
        asked = [self._asked.popleft() for _ in range(len(self._asked))]
        while asked:
            scene = asked[0][1]
            together = [each for each in asked if each[1] is scene][:MOST]
            asked = [each for each in asked if each not in together]
            try:
                with gpu_errors():
                    frames = self._with_room(len(together)).draw([face for face, _, _ in together], scene)
            except BaseException as error:  # noqa: BLE001 - it goes to those who wait
                for _, _, drawn in together:
                    drawn.set_exception(error)
                continue
            for (_, _, drawn), frame in zip(together, frames, strict=True):
                drawn.set_result(frame)

    def _with_room(self, count: int) -> GpuPortrait:
        room = self._portrait.room
        while room < count:
            room *= 2
        if room > self._portrait.room:
            self._portrait = GpuPortrait(self._gpu, self.rig, room)
        return self._portrait

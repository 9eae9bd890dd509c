"""What sessions of one avatar ask for at the same time is drawn together: one submission for all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import FaceState
from bithuman_core.render.footage.rig import FootageRig
from bithuman_core.render.gpu.device import Gpu, gpu_errors
from bithuman_core.render.gpu.faces import Asked, GpuFaces
from bithuman_core.render.gpu.portrait import MOST, GpuPortrait
from bithuman_core.render.matte.cut_out import PortraitScene
from bithuman_core.render.rig import PortraitRig

FIRST_ROOM = 4  # sessions in one submission; it grows with those that come together

Frame = NDArray[np.uint8]
What = TypeVar("What")
Alike = TypeVar("Alike")


class Together(ABC, Generic[What, Alike]):
    """One thread that draws what any other asks for."""

    def __init__(self) -> None:
        self._asked = deque[tuple[What, Alike, Future[Frame]]]()
        self._thread = ThreadPoolExecutor(1, "gpu")

    @abstractmethod
    def _frames(self, asked: Sequence[What], alike: Alike) -> Sequence[Frame]:
        """The frames of up to `MOST` that were asked for alike."""

    def _ask(self, what: What, alike: Alike) -> Frame:
        """Its frame; it is drawn together with others that are ``alike``. Raises GpuError where the device is lost or full."""
        drawn = Future[Frame]()
        self._asked.append((what, alike, drawn))
        self._thread.submit(self._draw)
        return drawn.result()

    def _draw(self) -> None:
        asked = [self._asked.popleft() for _ in range(len(self._asked))]
        while asked:
            alike = asked[0][1]
            now = [each for each in asked if each[1] == alike][:MOST]
            done = {id(each) for each in now}
            asked = [each for each in asked if id(each) not in done]
            try:
                with gpu_errors():
                    frames = self._frames([what for what, _, _ in now], alike)
            except BaseException as error:  # noqa: BLE001 - it goes to those who wait
                for _, _, drawn in now:
                    drawn.set_exception(error)
                continue
            for (_, _, drawn), frame in zip(now, frames, strict=True):
                drawn.set_result(frame)


class PortraitsTogether(Together[FaceState, tuple[PortraitScene | None, bool]]):
    """The drawing of one portrait for all its sessions. :meth:`frame` may be called from any thread."""

    def __init__(self, gpu: Gpu, rig: PortraitRig) -> None:
        super().__init__()
        self.rig, self._gpu = rig, gpu
        with gpu_errors():
            self._portrait = GpuPortrait(gpu, rig, FIRST_ROOM)

    def frame(self, face: FaceState, scene: PortraitScene | None = None) -> Frame:
        """The frame of a face before a scene: BGR [H, W, 3], or BGRA, colours times alpha. Waits for it.

        Raises ValueError for a face value that is not a number, GpuError where the device is lost or has no memory left.
        """
        self.rig.coefficients(face)  # one that cannot be drawn is nobody else's
        return self._ask(face, (scene, False))

    def planes(self, face: FaceState, scene: PortraitScene | None = None) -> Frame:
        """The same as I420 [H * 3 / 2, W], which codecs take. Raises as :meth:`frame` and :meth:`GpuPortrait.planes` do."""
        self.rig.coefficients(face)
        return self._ask(face, (scene, True))

    def _frames(self, asked: Sequence[FaceState], alike: tuple[PortraitScene | None, bool]) -> Sequence[Frame]:
        room = self._portrait.room
        while room < len(asked):
            room *= 2
        if room > self._portrait.room:
            self._portrait = GpuPortrait(self._gpu, self.rig, room)
        scene, planes = alike
        return list(self._portrait.planes(asked, scene) if planes else self._portrait.draw(asked, scene))


class FilmsTogether(Together[Asked, bool]):
    """The pictures of one film for all its sessions. :meth:`frame` may be called from any thread."""

    def __init__(self, gpu: Gpu, rig: FootageRig) -> None:
        super().__init__()
        self.rig = rig
        with gpu_errors():
            self._faces = GpuFaces(gpu, rig)

    def frame(self, asked: Asked) -> Frame:
        """Its frame, BGR [h, w, 3]. Waits for it. Raises GpuError where the device is lost or full."""
        return self._ask(asked, False)

    def planes(self, asked: Asked) -> Frame:
        """The same as I420 [h * 3 / 2, w], which codecs take."""
        return self._ask(asked, True)

    def _frames(self, asked: Sequence[Asked], alike: bool) -> Sequence[Frame]:
        return self._faces.draw(asked, planes=alike)

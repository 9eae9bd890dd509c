"""One session's view of an avatar: a face in, its picture out, whatever kind the avatar is of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import FaceState
from bithuman_core.motion.walk import Mood, Walk
from bithuman_core.render import FilmScene, FootageRenderer, FootageRig, PortraitRenderer, PortraitScene, Rig, Scene

if TYPE_CHECKING:
    from bithuman_core.render.gpu.renderer import GpuRenderer
    from bithuman_core.render.gpu.together import FilmsTogether, PortraitsTogether

    Drawing = PortraitsTogether | FilmsTogether


class View(Protocol):
    """Draws one avatar for one session."""

    def picture(self, face: FaceState, mood: Mood) -> NDArray[np.uint8]:
        """The frame of the next tick: BGR uint8 [height, width, 3], a new array, times :attr:`alpha` where there is one."""
        ...

    def planes(self, face: FaceState, mood: Mood) -> NDArray[np.uint8] | None:
        """The same as I420 [height * 3 / 2, width], where that comes cheaper; None: it does not, and :meth:`picture` has it."""
        ...

    @property
    def alpha(self) -> NDArray[np.uint8] | None:
        """Of the last picture, uint8 [height, width], before a transparent scene; else None."""
        ...

    def show(self, scene: Scene) -> None:
        """Stand before a scene that was made for the view's rig, from the next picture on."""
        ...


def view(rig: Rig, seed: int = 0, drawing: Drawing | None = None) -> View:
    """The view of a rig. seed: of the way through a film. drawing: of the rig, on a graphics processor; None: the CPU draws."""
    if drawing is None:
        return FootageView(FootageRenderer(rig), seed) if isinstance(rig, FootageRig) else PortraitView(PortraitRenderer(rig))
    from bithuman_core.render.gpu.renderer import GpuFilmDrawing, GpuRenderer
    from bithuman_core.render.gpu.together import PortraitsTogether

    if isinstance(drawing, PortraitsTogether):
        return PortraitView(GpuRenderer(drawing))
    return FootageView(FootageRenderer(drawing.rig, GpuFilmDrawing(drawing)), seed)


class PortraitView:
    """A rig that does what the face does."""

    def __init__(self, renderer: PortraitRenderer | GpuRenderer) -> None:
        self._renderer = renderer

    def picture(self, face: FaceState, mood: Mood) -> NDArray[np.uint8]:
        """See :class:`View`."""
        return self._renderer.render(face)

    def planes(self, face: FaceState, mood: Mood) -> NDArray[np.uint8] | None:
        """See :class:`View`."""
        return None if isinstance(self._renderer, PortraitRenderer) else self._renderer.planes(face)

    @property
    def alpha(self) -> NDArray[np.uint8] | None:
        """See :class:`View`."""
        return self._renderer.alpha

    def show(self, scene: Scene) -> None:
        """See :class:`View`."""
        assert isinstance(scene, PortraitScene)
        self._renderer.show(scene)


class FootageView:
    """A film that goes on, and does with its face what the film allows: mouth, jaw, cheeks, brows, and small turns."""

    def __init__(self, renderer: FootageRenderer, seed: int) -> None:
        self._renderer = renderer
        data = renderer.rig.walk
        self._walk = Walk(data.turning, data.jumps, data.eyes, data.motion, np.random.default_rng(seed))

    def picture(self, face: FaceState, mood: Mood) -> NDArray[np.uint8]:
        """See :class:`View`."""
        step = self._walk.next(mood)
        ahead, head = self._walk.ahead, mood.gestured
        return self._renderer.render(face, step.frame, ahead, leaving=step.leaving, share=step.share, head=head)

    def planes(self, face: FaceState, mood: Mood) -> NDArray[np.uint8] | None:
        """See :class:`View`."""
        return None

    @property
    def alpha(self) -> NDArray[np.uint8] | None:
        """See :class:`View`."""
        return self._renderer.alpha

    def show(self, scene: Scene) -> None:
        """See :class:`View`."""
        assert isinstance(scene, FilmScene)
        self._renderer.show(scene)

"""The renderer of one session of a filmed avatar: frame number and face state in, BGR frame out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import FaceState
from bithuman_core.render.footage.cut_out import CutOut
from bithuman_core.render.footage.drawing import FaceDrawing
from bithuman_core.render.footage.film import FilmPlayer
from bithuman_core.render.footage.flow import HeadFlow
from bithuman_core.render.footage.head import Head
from bithuman_core.render.footage.interior import LOWER, UPPER, MouthInside
from bithuman_core.render.footage.layers import Moved, Opening
from bithuman_core.render.footage.planes import Planes, mix
from bithuman_core.render.footage.posing import follow, place, rest_face
from bithuman_core.render.footage.rig import FootageRig, ring_points
from bithuman_core.render.footage.scene import FilmScene
from bithuman_core.render.matte.layers import lay_over
from bithuman_core.render.posing import blend_shapes

Floats = NDArray[np.float32]
RIM = 0.6  # px (512 px frames): how far the lips' edge is taken from within the lip once they part: the line of the closed mouth
PARTED = (0.8, 3.3)  # px of gap from where to where
TOUCHING = (1.2, 2.9)  # px (512 px frames): so near lips, which are soft, touch; beyond, they are as far apart as they are told
OPPOSITE = np.zeros(40, int)
OPPOSITE[UPPER], OPPOSITE[LOWER[1:-1]], OPPOSITE[20] = LOWER, UPPER[1:-1], 20
MIXED = 0.45  # of a dissolve, in its middle, in which both pictures are seen; for all of it the heads go over
SHARPER, MIXED_SHARPER = 0.03, 0.055  # against the softness of pictures that are moved by parts of a px, and of two in one
LEAST_TURN = 5e-4  # radians: a tenth of a px
SEEN_GAP = 0.25  # px of gap from which the inside of the mouth is drawn


class DrawsFaces(Protocol):
    """Draws moved faces into frames."""

    def draw(self, frame: NDArray[np.uint8], face: Moved, opening: Opening | None, out: NDArray[np.uint8]) -> None:
        """out [h, w, 3] = the frame [h, w, 3] with the face moved."""
        ...


class Still(NamedTuple):
    """A picture uint8 [h, w, 3] and how the calm head in it stands; without its background the picture is times cover [h, w]."""

    picture: NDArray[np.uint8]
    head: Head
    cover: NDArray[np.uint8] | None = None


class FootageRenderer:
    """Draws faces into frames. The same frames and faces give the same pictures, whatever came before, but for the inside of
    the mouth, which goes over from one of its pictures to the next within some ticks."""

    def __init__(self, rig: FootageRig, drawing: DrawsFaces | None = None) -> None:
        """drawing: of faces in frames of this rig; None: the CPU's own."""
        self.rig = rig
        self._player = FilmPlayer(rig.film)
        self._drawing = drawing or FaceDrawing(rig.size, rig.triangles, rig.light, len(rig.jaw[0]))
        self._inside = MouthInside(rig.interiors)
        shape = rig.vertices.shape
        self._rest, self._posed = np.empty(shape, np.float32), np.empty(shape, np.float32)
        self._source, self._target = np.empty(shape, np.float32), np.empty(shape, np.float32)
        self._followed = np.empty((len(rig.near), 2), np.float32), np.empty((len(rig.beyond), 2), np.float32)
        self._near = np.zeros(len(rig.vertices), np.uint8)
        self._near[rig.near] = 1
        self._flow = HeadFlow(rig)
        self._moved, self._between = [Planes.empty(rig.size) for _ in range(2)], Planes.empty(rig.size)
        self._scene = FilmScene()
        self._cut: CutOut | None = None
        self.alpha: NDArray[np.uint8] | None = None  # [height, width] of the last frame, where the scene is transparent

    def show(self, scene: FilmScene) -> None:
        """Stand before a scene that was made for this rig, from the next frame on."""
        self._scene = scene
        if scene.plate is None or self.rig.matte is None:
            self._cut = None
        elif self._cut is None:
            self._cut = CutOut(self.rig.matte, self.rig.size)

    def render(
        self,
        face: FaceState,
        frame: int | None = None,
        ahead: Sequence[int] = (),
        out: NDArray[np.uint8] | None = None,
        *,
        leaving: int = -1,
        share: float = 0.0,
        head: Floats | None = None,
    ) -> NDArray[np.uint8]:
        """A frame of the film (None: its best one) with the face's mouth: BGR uint8 [height, width, 3], in ``out`` where given.

        ahead: frames that will be asked for next. leaving: a frame that is gone over from, with that share, 0..1: both heads are
        moved to where they are one. head: what a gesture adds to the film's own head, yaw, pitch, roll [3], degrees; a part
        of it is done (`FootageRig.asked`). Raises ValueError for a value that is not a number and for an ``out`` that does
        not fit.
        """
        width, height = self.rig.size
        if out is None:
            out = np.empty((height, width, 3), np.uint8)
        elif out.shape != (height, width, 3) or out.dtype != np.uint8 or not out.flags.c_contiguous:
            raise ValueError(f"out must be a contiguous uint8 array [{height}, {width}, 3].")
        amount = self.rig.coefficients(face)
        frame = self.rig.best if frame is None else frame
        turn = np.zeros(3, np.float32) if head is None else self.rig.asked(head)
        moved = leaving >= 0 or bool(np.abs(turn).max() > LEAST_TURN)
        if self._cut is not None:
            still = self._lifted(self._cut, turn, frame, leaving, share, ahead, moved)
        elif moved:
            still = self._go_over(turn, frame, leaving, share, ahead)
        else:
            still = Still(self._player.frame(frame, ahead), self.rig.head(frame))
        self._stand(still, amount, out)
        return out

    def _stand(self, still: Still, amount: Floats, out: NDArray[np.uint8]) -> None:
        """out [h, w, 3] = the picture with another mouth, before the scene."""
        face = self._face(still, amount)
        self.alpha = None
        if self._cut is None or still.cover is None or self._scene.plate is None:
            self._draw(still.picture, face, out)
            return
        before = self._cut.before
        lay_over(still.picture, still.cover, self._scene.plate, before)
        self._draw(before, face, out)
        if self._scene.transparent:
            self.alpha = still.cover.copy()
            if face is not None:  # the jaw moves its edge along: what is drawn over black and over white differs by what is clear
                lay_over(still.picture, still.cover, self._cut.white, before)
                self._draw(before, face, self._cut.over_white)
                shines = self._cut.over_white
                np.subtract(np.maximum(shines[..., 1], out[..., 1], out=self.alpha), out[..., 1], out=self.alpha)
                np.subtract(255, self.alpha, out=self.alpha)

    def _go_over(self, turn: Floats, frame: int, leaving: int, share: float, ahead: Sequence[int]) -> Still:
        """A head that no frame shows: turned, and between those of two frames that are alike, ``leaving`` at share 1."""
        here = self.rig.head(frame)
        there = here if leaving < 0 else self.rig.head(leaving)
        stands, seen = self._between_heads(turn, here, there, leaving, share)
        first, second = self._moved
        if seen < 1:
            self._flow.move(self._player.planes(frame, ahead), here, stands, first)
        if seen > 0:
            self._flow.move(self._player.planes(leaving, ahead), there, stands, second)
        if seen in (0, 1):
            first = second = self._moved[int(seen)]
        part, sharper = np.float32(seen), np.float32(SHARPER + MIXED_SHARPER * 4 * seen * (1 - seen))
        mix(first.y, second.y, part, sharper, self._between.y)
        mix(first.u, second.u, part, np.float32(0), self._between.u)
        mix(first.v, second.v, part, np.float32(0), self._between.v)
        return Still(self._player.coloured(self._between), stands)

    def _lifted(
        self, cut: CutOut, turn: Floats, frame: int, leaving: int, share: float, ahead: Sequence[int], moved: bool
    ) -> Still:
        """The person without her background; as in :meth:`_go_over` where she is moved."""
        here = self._lift(cut, 0, frame, ahead)
        if not moved:
            return here
        there = here if leaving < 0 else self._lift(cut, 1, leaving, ahead)
        stands, seen = self._between_heads(turn, here.head, there.head, leaving, share)
        for which, still in enumerate((here, there)):
            if seen != 1 - which:
                cut.move(which, still.picture, self._flow.field(still.head, stands))
        return Still(cut.mixed(seen, SHARPER + MIXED_SHARPER * 4 * seen * (1 - seen)), stands, cut.mixed_cover(seen))

    def _lift(self, cut: CutOut, which: int, frame: int, ahead: Sequence[int]) -> Still:
        return Still(*cut.lift(which, frame, self._player.frame(frame, ahead), ahead, self.rig.head(frame)))

    def _between_heads(self, turn: Floats, here: Head, there: Head, leaving: int, share: float) -> tuple[Head, float]:
        """How the head stands, and how much of the second picture is seen."""
        stands = here.towards(there, share).turned(turn, self.rig.neck)
        return stands, 0.0 if leaving < 0 else min(max((share - 0.5) / MIXED + 0.5, 0.0), 1.0)


    def _face(self, still: Still, amount: Floats) -> tuple[Moved, Opening | None] | None:
        """What moves in a picture, and what is seen between the lips; None: nothing moves."""
        rig, head = self.rig, still.head
        if not amount.any():
            return None
        shapes = rig.shapes
        rest_face(rig.vertices, rig.basis, head.amount, self._rest)
        blend_shapes(self._rest, shapes.start, shapes.index, shapes.delta, amount, self._posed)
        view = head.turn, *head.shift, rig.distance, *rig.centre, rig.scale
        place(self._rest, *view, self._source)
        place(self._posed, *view, self._target)
        source, target = self._source, self._target
        lips, at_rest = ring_points(rig.inner, target[:, :2]), ring_points(rig.inner, source[:, :2])
        outer = ring_points(rig.outer, source[:, :2])
        inwards = at_rest - outer
        inwards /= np.maximum(np.linalg.norm(inwards, axis=1, keepdims=True), 1e-3)
        unit = min(rig.size) / 512
        apart = lips[OPPOSITE] - lips
        gap = np.linalg.norm(apart, axis=1, keepdims=True)
        free = np.clip((gap / unit - TOUCHING[0]) / (TOUCHING[1] - TOUCHING[0]), 0, 1)
        free *= free * (3 - 2 * free)
        closing = np.asarray(0.5 * (1 - free) * apart, np.float32)
        near, beyond = self._followed
        follow(rig.near_share, closing, near)
        target[rig.near, :2] += near
        lips, gap = lips + closing, free * gap
        rim = np.float32(-RIM * unit) * np.clip((gap / unit - PARTED[0]) / (PARTED[1] - PARTED[0]), 0, 1) * inwards
        fetched = source[:, :2].copy()
        follow(rig.near_share, rim, near)
        fetched[rig.near] += near
        follow(rig.beyond_share, at_rest + rim, beyond)
        fetched[rig.beyond] = beyond
        jaw = ring_points(rig.jaw, source[:, :2]), ring_points(rig.jaw, target[:, :2])
        face_width = rig.face_width * rig.scale
        opening = None
        if gap.max() > SEEN_GAP:
            colour = colour_at(still.picture, (at_rest + outer) / 2)
            opening = self._inside.opening(lips, face_width, colour, unit)
        return Moved(source, target, fetched, self._near, jaw, face_width, lips), opening

    def _draw(self, picture: NDArray[np.uint8], face: tuple[Moved, Opening | None] | None, out: NDArray[np.uint8]) -> None:
        if face is None:
            out[:] = picture
        else:
            self._drawing.draw(picture, *face, out)


def colour_at(picture: NDArray[np.uint8], places: NDArray[Any]) -> Floats:
    """Mean colour [3] of a picture at places [n, 2] px."""
    height, width = picture.shape[:2]
    x, y = (np.clip(places[:, d].astype(np.intp), 0, limit - 1) for d, limit in ((0, width), (1, height)))
    return picture[y, x].mean(0, dtype=np.float32)

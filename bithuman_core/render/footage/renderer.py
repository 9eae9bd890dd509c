"""The renderer of one session of a filmed avatar: frame number and face state in, BGR frame out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import FaceState
from bithuman_core.render.footage.cut_out import CutOut
from bithuman_core.render.footage.drawing import FaceDrawing, Moved, Opening
from bithuman_core.render.footage.film import FilmPlayer
from bithuman_core.render.footage.flow import STEP, HeadFlow
from bithuman_core.render.footage.head import Head
from bithuman_core.render.footage.interior import LOWER, UPPER, MouthInside
from bithuman_core.render.footage.posing import place, rest_face
from bithuman_core.render.footage.rig import FootageRig, ring_points
from bithuman_core.render.footage.scene import FilmScene
from bithuman_core.render.footage.shading import mix, shift_picture
from bithuman_core.render.matte.layers import lay_over
from bithuman_core.render.posing import blend_shapes

Floats = NDArray[np.float32]
RIM = 0.6  # px (512 px frames): how far the lips' edge is taken from within the lip once they part: the line of the closed mouth
PARTED = (0.8, 3.3)  # px of gap from where to where
OPPOSITE = np.zeros(40, int)
OPPOSITE[UPPER], OPPOSITE[LOWER[1:-1]], OPPOSITE[20] = LOWER, UPPER[1:-1], 20
MIXED = 0.45  # of a dissolve, in its middle, in which both pictures are seen; for all of it the heads go over
SHARPER, MIXED_SHARPER = 0.03, 0.055  # against the softness of pictures that are moved by parts of a px, and of two in one
LEAST_TURN = 5e-4  # radians: a tenth of a px
SEEN_GAP = 0.25  # px of gap from which the inside of the mouth is drawn


class Still(NamedTuple):
    """A picture uint8 [h, w, 3] and how the calm head in it stands; without its background the picture is times cover [h, w]."""

    picture: NDArray[np.uint8]
    head: Head
    cover: NDArray[np.uint8] | None = None


class FootageRenderer:
    """Draws faces into frames. The same frames and faces give the same pictures, whatever came before, but for the inside of
    the mouth, which goes over from one of its pictures to the next within some ticks."""

    def __init__(self, rig: FootageRig) -> None:
        self.rig = rig
        width, height = rig.size
        self._player = FilmPlayer(rig.film)
        self._drawing = FaceDrawing(rig.size, rig.triangles, rig.light, len(rig.jaw[0]))
        self._inside = MouthInside(rig.interiors)
        shape = rig.vertices.shape
        self._rest, self._posed = np.empty(shape, np.float32), np.empty(shape, np.float32)
        self._source, self._target = np.empty(shape, np.float32), np.empty(shape, np.float32)
        self._near = np.zeros(len(rig.vertices), np.uint8)
        self._near[rig.near] = 1
        self._flow = HeadFlow(rig)
        self._moved, self._between = np.empty((2, height, width, 3), np.uint8), np.empty((height, width, 3), np.uint8)
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
        shown = self._still(frame, ahead, 0)
        turn = np.zeros(3, np.float32) if head is None else self.rig.asked(head)
        if leaving >= 0 or np.abs(turn).max() > LEAST_TURN:
            there = None if leaving < 0 else self._still(leaving, ahead, 1)
            shown = self._go_over(turn, shown, there, share)
        self._stand(shown, amount, out)
        return out

    def _still(self, frame: int, ahead: Sequence[int], which: int) -> Still:
        """A frame of the film, without its background where the scene is another one. which: 0 or 1, of two that are mixed."""
        picture, head = self._player.frame(frame, ahead), self.rig.head(frame)
        if self._cut is None:
            return Still(picture, head)
        return Still(*self._cut.lift(which, frame, picture, ahead, head))

    def _stand(self, still: Still, amount: Floats, out: NDArray[np.uint8]) -> None:
        """out [h, w, 3] = the picture with another mouth, before the scene."""
        face = self._face(still.head, amount)
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

    def _go_over(self, turn: Floats, here: Still, there: Still | None, share: float) -> Still:
        """A head that no frame shows: turned, and between two that are alike, ``there`` at share 1."""
        stands = here.head if there is None else here.head.towards(there.head, share)
        stands = stands.turned(turn, self.rig.neck)
        seen = 0.0 if there is None else min(max((share - 0.5) / MIXED + 0.5, 0.0), 1.0)
        first = second = self._moved[0]
        cover = None
        if there is None or seen < 1:
            self._move(here, stands, first, 0)
        if there is not None and seen > 0:
            second = self._moved[1]
            self._move(there, stands, second, 1)
        sharper = SHARPER + MIXED_SHARPER * 4 * seen * (1 - seen)
        mix(second if seen == 1 else first, second, np.float32(seen), np.float32(sharper), self._between)
        if self._cut is not None:
            cover = self._cut.mixed(seen)
        return Still(self._between, stands, cover)

    def _move(self, still: Still, stands: Head, out: NDArray[np.uint8], which: int) -> None:
        """out [h, w, 3] = the picture with its head standing so; its cover goes along."""
        field = self._flow.field(still.head, stands)
        shift_picture(still.picture, field, STEP, out)
        if self._cut is not None:
            self._cut.move(which, field)

    def _face(self, head: Head, amount: Floats) -> tuple[Moved, Opening | None] | None:
        """What moves in a frame, and what is seen between the lips; None: nothing moves."""
        rig = self.rig
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
        inwards = at_rest - ring_points(rig.outer, source[:, :2])
        inwards /= np.maximum(np.linalg.norm(inwards, axis=1, keepdims=True), 1e-3)
        gap = np.linalg.norm(lips - lips[OPPOSITE], axis=1, keepdims=True)
        unit = min(rig.size) / 512
        rim = -RIM * unit * np.clip((gap / unit - PARTED[0]) / (PARTED[1] - PARTED[0]), 0, 1) * inwards
        fetched = source[:, :2].copy()
        fetched[rig.near] += np.einsum("vk,kd->vd", rig.near_share, rim)  # not BLAS: its threads wait by being busy
        fetched[rig.beyond] = np.einsum("vk,kd->vd", rig.beyond_share, at_rest + rim)
        jaw = ring_points(rig.jaw, source[:, :2]), ring_points(rig.jaw, target[:, :2])
        face_width = rig.face_width * rig.scale
        opening = self._inside.opening(lips, face_width) if gap.max() > SEEN_GAP else None
        return Moved(source, target, fetched, self._near, jaw, face_width, lips), opening

    def _draw(self, picture: NDArray[np.uint8], face: tuple[Moved, Opening | None] | None, out: NDArray[np.uint8]) -> None:
        if face is None:
            out[:] = picture
        else:
            self._drawing.draw(picture, *face, out)

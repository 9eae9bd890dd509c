"""The renderer of one session of a filmed avatar: frame number and face state in, BGR frame out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import FaceState
from bithuman_core.render.footage.colours import pick
from bithuman_core.render.footage.cut_out import Before, Lifter, Person, white
from bithuman_core.render.footage.drawing import FilmDrawing
from bithuman_core.render.footage.film import FilmPlayer
from bithuman_core.render.footage.flow import HeadFlow
from bithuman_core.render.footage.head import Head
from bithuman_core.render.footage.interior import MouthInside
from bithuman_core.render.footage.layers import Moved, Opening
from bithuman_core.render.footage.lips import follow, lay_ring, touch
from bithuman_core.render.footage.posing import place, rest_face
from bithuman_core.render.footage.rig import FootageRig
from bithuman_core.render.footage.scene import FilmScene
from bithuman_core.render.footage.turning import Turned
from bithuman_core.render.posing import blend_shapes

Floats = NDArray[np.float32]
MIXED = 0.45  # of a dissolve, in its middle, in which both pictures are seen; for all of it the heads go over
SHARPER, MIXED_SHARPER = 0.03, 0.055  # against the softness of pictures that are moved by parts of a px, and of two in one
LEAST_TURN = 5e-4  # radians: a tenth of a px
SEEN_GAP = 0.25  # px of gap from which the inside of the mouth is drawn
Picture = NDArray[np.uint8]
Face = tuple[Moved, Opening | None]


class DrawsFilms(Protocol):
    """Draws pictures of a film, for one session."""

    @property
    def coded(self) -> bool:
        """Frames are best given as they are coded, not as pictures."""
        ...

    def draw(self, picture: Picture | Turned | Before, face: Face | None, out: Picture) -> None:
        """out [h, w, 3] = the picture, uint8 [h, w, 3] or yet to be made, with the face moved; None: nothing of it moves."""
        ...


class FootageRenderer:
    """Draws faces into frames. The same frames and faces give the same pictures, whatever came before, but for the inside of
    the mouth, which goes over from one of its pictures to the next within some ticks."""

    def __init__(self, rig: FootageRig, drawing: DrawsFilms | None = None) -> None:
        """drawing: of this rig's pictures; None: the CPU's own."""
        self.rig = rig
        self._player = FilmPlayer(rig.film)
        self._drawing = drawing or FilmDrawing(rig)
        self._inside = MouthInside(rig.interiors)
        shape = rig.vertices.shape
        self._rest, self._posed = np.empty(shape, np.float32), np.empty(shape, np.float32)
        self._source, self._target = np.empty(shape, np.float32), np.empty(shape, np.float32)
        self._fetched = np.empty((len(rig.vertices), 2), np.float32)
        points = len(rig.inner[0])
        self._rings, self._moves = np.empty((3, points, 2), np.float32), np.empty((3, 2, points), np.float32)
        self._jaw = np.empty((2, len(rig.jaw[0]), 2), np.float32)
        self._near = np.zeros(len(rig.vertices), np.uint8)
        self._near[rig.near] = 1
        self._flow = HeadFlow(rig)
        self._scene = FilmScene()
        self._lifter: Lifter | None = None
        self._over_white = np.empty((rig.size[1], rig.size[0], 3), np.uint8)
        self.alpha: NDArray[np.uint8] | None = None  # [height, width] of the last frame, where the scene is transparent

    def show(self, scene: FilmScene) -> None:
        """Stand before a scene that was made for this rig, from the next frame on."""
        self._scene = scene
        if scene.plate is None or self.rig.matte is None:
            self._lifter = None
        elif self._lifter is None:
            self._lifter = Lifter(self.rig.matte, self.rig.size)

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
        shown, stands = self._shown(turn, frame, leaving, share, ahead)
        self._stand(shown, self._face(shown, stands, amount), out)
        return out

    def _stand(self, shown: Picture | Turned | Person, face: Face | None, out: Picture) -> None:
        """out [h, w, 3] = what is shown with another mouth, before the scene."""
        self.alpha = None
        if not isinstance(shown, Person):
            self._drawing.draw(shown, face, out)
            return
        assert self._scene.plate is not None  # else nobody would have been taken out of the frame
        self._drawing.draw(Before(shown, self._scene.plate), face, out)
        if self._scene.transparent:  # what is drawn over black and over white differs by what is clear
            shines = self._over_white
            self._drawing.draw(Before(shown, white(self.rig.size)), face, shines)
            self.alpha = 255 - (np.maximum(shines[..., 1], out[..., 1]) - out[..., 1])

    def _shown(
        self, turn: Floats, frame: int, leaving: int, share: float, ahead: Sequence[int]
    ) -> tuple[Picture | Turned | Person, Head]:
        """What is shown, and how the calm head in it stands: as in the frame, or as in none; turned, and between those of two
        frames that are alike, ``leaving`` at share 1."""
        here = self.rig.head(frame)
        frames, fields, stands, seen, sharper = [frame], tuple[Floats, ...](), here, 0.0, 0.0
        if leaving >= 0 or np.abs(turn).max() > LEAST_TURN:
            there = here if leaving < 0 else self.rig.head(leaving)
            stands = here.towards(there, share).turned(turn, self.rig.neck)
            seen = 0.0 if leaving < 0 else min(max((share - 0.5) / MIXED + 0.5, 0.0), 1.0)
            frames = [k for k, part in ((frame, 1 - seen), (leaving, seen)) if part > 0]
            fields = tuple(self._flow.field(self.rig.head(k), stands) for k in frames)
            sharper = SHARPER + MIXED_SHARPER * 4 * seen * (1 - seen)
        share = seen if len(frames) == 2 else 0.0
        if self._lifter is not None:
            lifted = [self._lifter.lift(n, k, self._player.frame(k, ahead), ahead) for n, k in enumerate(frames)]
            pictures, covers = zip(*lifted, strict=True)
            return Person(pictures, fields, share, sharper, covers), stands
        if not fields and not self._drawing.coded:
            return self._player.frame(frame, ahead), stands
        return Turned(tuple(self._player.planes(k, ahead) for k in frames), fields, share, sharper), stands

    def _face(self, shown: Picture | Turned | Person, head: Head, amount: Floats) -> Face | None:
        """What moves in a picture whose head stands so, and what is seen between the lips; None: nothing moves."""
        rig = self.rig
        if not amount.any():
            return None
        shapes = rig.shapes
        rest_face(rig.vertices, rig.basis, head.amount, self._rest)
        blend_shapes(self._rest, shapes.start, shapes.index, shapes.delta, amount, self._posed)
        view = head.turn, *head.shift, rig.distance, *rig.centre, rig.scale
        place(self._rest, *view, self._source)
        place(self._posed, *view, self._target)
        source, target, fetched = self._source, self._target, self._fetched
        at_rest, outer, lips = self._rings
        closing, rim, edge = self._moves
        for ring, points, out in ((rig.inner, source, at_rest), (rig.outer, source, outer), (rig.inner, target, lips)):
            lay_ring(*ring, points, out)
        unit = min(rig.size) / 512
        gap = touch(at_rest, outer, unit, lips, closing, rim, edge)
        follow(rig.near_share, closing, rig.near, 1, target)
        fetched[:] = source[:, :2]
        follow(rig.near_share, rim, rig.near, 1, fetched)
        follow(rig.beyond_share, edge, rig.beyond, 0, fetched)
        lay_ring(*rig.jaw, source, self._jaw[0])
        lay_ring(*rig.jaw, target, self._jaw[1])
        face_width = rig.face_width * rig.scale
        opening = None
        if gap > SEEN_GAP:
            colour = colour_at(shown, np.float32(0.5) * (at_rest + outer))
            opening = self._inside.opening(lips, face_width, colour, unit)
        return Moved(source, target, fetched, self._near, self._jaw, face_width, lips), opening


def colour_at(picture: Picture | Turned | Person, places: Floats) -> Floats:
    """Mean colour [3] of a picture at places [n, 2] px."""
    if isinstance(picture, Turned | Person):
        return picture.colour_at(places)
    colours = np.empty((len(places), 3), np.uint8)
    pick(picture, places, colours)
    return colours.mean(0, dtype=np.float32)

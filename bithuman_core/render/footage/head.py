"""How a calm head stands in a frame, between two frames, and turned a little."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Head(NamedTuple):
    """Where a face at rest lies: see :class:`~bithuman_core.render.footage.rig.FootageRig`."""

    turn: Floats  # [3, 3]
    shift: Floats  # [2] canvas px
    amount: Floats  # [r] of the ways in which calm faces differ

    def towards(self, other: Head, share: float) -> Head:
        """The head between two that are alike: ``other`` at share 1. (Turns mix as numbers: they are a degree apart.)"""
        turn, shift, amount = (np.asarray(a + share * (b - a), np.float32) for a, b in zip(self, other, strict=True))
        return Head(turn, shift, amount)

    def turned(self, angles: Floats, pivot: Floats) -> Head:
        """Turned by yaw, pitch, roll (radians, as of a face state) about a point of the head [3], head space.

        What the pivot's depth would change is left: so small a turn does not bring a face nearer.
        """
        yaw, pitch, roll = (float(a) for a in angles)
        (cy, cp, cr), (sy, sp, sr) = np.cos([yaw, pitch, roll]), np.sin([yaw, pitch, roll])
        across = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
        up = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
        over = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
        turn = np.asarray(over @ up @ across @ self.turn, np.float32)
        shift = np.asarray(self.shift + ((self.turn - turn) @ pivot)[:2], np.float32)
        return Head(turn, shift, self.amount)

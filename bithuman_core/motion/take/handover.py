"""Going over between an avatar's own life and a take, channel by channel and without a jump."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RISE, FALL = 6, 12  # ticks from life to a take, and back: a quarter and half of a second
HASTY = 4  # ticks of a fall that an interruption asks for


class Handover:
    """Follows a take where it drives, life where it does not.

    Where that changes, what was shown last goes over to what is to be shown as a difference that fades: the new source moves from
    its first tick on, and is followed to the number once the difference is gone.
    """

    def __init__(self, size: int, rise: int = RISE, fall: int = FALL) -> None:
        """size: how many channels. rise, fall: ticks of going over to the take and to life; 0: at once."""
        self._rise, self._fall, self._hasty = rise, fall, False
        self._followed = np.zeros(size, bool)
        self._shown = np.zeros(size, np.float32)
        self._left = np.zeros(size, np.float32)  # of going over: 1 where it begins, 0 where it is done
        self._step = np.zeros(size, np.float32)
        self._difference = np.zeros(size, np.float32)

    def next(
        self, life: NDArray[np.float32], take: NDArray[np.float32], driven: NDArray[np.bool_], seen: bool = True
    ) -> NDArray[np.float32]:
        """The values of the next tick, a new array. seen: whether somebody has seen the last one; else nothing goes over."""
        goal = np.where(driven, take, life)
        changed = driven != self._followed
        if changed.any():
            self._begin(changed, driven, goal, seen)
        if self._left.any():
            self._left = np.maximum(self._left - self._step, 0.0)
            share = self._left * self._left * (3.0 - 2.0 * self._left)
            goal = np.where(self._left > 0.0, goal + share * self._difference, goal)
        self._shown[:] = goal
        return goal

    def hurry(self) -> None:
        """The take was interrupted: go over to life within a few ticks."""
        self._hasty = True

    def forget(self) -> None:
        """Show life from the next tick on, whatever was shown."""
        self._followed[:] = False
        self._left[:] = 0.0

    def _begin(self, changed: NDArray[np.bool_], driven: NDArray[np.bool_], goal: NDArray[np.float32], seen: bool) -> None:
        ticks = np.where(driven, self._rise, HASTY if self._hasty else self._fall)
        over = changed & (ticks > 0) & seen
        self._left = np.where(changed, over, self._left).astype(np.float32)
        self._step = np.where(changed, 1.0 / np.maximum(ticks, 1), self._step).astype(np.float32)
        self._difference = np.where(changed, self._shown - goal, self._difference)
        self._followed = driven.copy()
        self._hasty = False

"""Takes from a program's own arrays: what ``push_motion`` is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bithuman_core.errors import MotionError
from bithuman_core.face import COEFFICIENTS, FACE_NAMES, FACE_SIZE, HEAD, HEAD_NAMES, INDEX
from bithuman_core.motion.take.frames import Take

Motion = ArrayLike | Mapping[str, ArrayLike]
HEAD_COUNTS = (3, 6)  # of the columns of a head: its turn, or also its place
WIDEST = 180.0  # degrees: more is no angle of a head


def take_of(coefficients: Motion, head: Motion | None = None) -> Take:
    """A take at 25 a second.

    coefficients: float [n, 52] (or [52]: one tick) in the order of ``ARKIT_NAMES``, all of which are then driven; or a mapping of
    names to float [n] or single numbers, which drives those that it names (head values, too). head: [n, 3] yaw, pitch, roll in
    degrees, or [n, 6] with X, Y, Z in face widths; or a mapping; None: the head lives on by itself.
    Coefficients are clipped to 0..1. Raises MotionError for other shapes, unknown names and values that are not finite.
    """
    columns = _columns(coefficients, FACE_NAMES[:COEFFICIENTS], FACE_NAMES, "The coefficients", (COEFFICIENTS,))
    if head is not None:
        columns |= _columns(head, HEAD_NAMES, HEAD_NAMES, "The head values", HEAD_COUNTS)
    if not columns:
        raise MotionError("The motion names no channel: give coefficients, for example {'jawOpen': [0.1, 0.2]}.")
    lengths = {column.size for column in columns.values() if column.ndim}
    if len(lengths) > 1:
        raise MotionError(f"The channels of the motion have different lengths {sorted(lengths)}: give each as many values.")
    if lengths == {0}:
        raise MotionError("The motion has no frames: give one or more.")
    values, driven = np.zeros((lengths.pop() if lengths else 1, FACE_SIZE), np.float32), np.zeros(FACE_SIZE, bool)
    for name, column in columns.items():
        if not np.isfinite(column).all():
            raise MotionError(f"The motion of {name} holds a value that is not a finite number.")
        values[:, INDEX[name]] = np.clip(column, -WIDEST, WIDEST)
        driven[INDEX[name]] = True
    return Take(limited(values), driven)


def limited(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same array, its coefficients and breath clipped to 0..1, its head to what can be an angle."""
    np.clip(values, 0.0, 1.0, out=values, where=_UNIT)
    return np.clip(values, -WIDEST, WIDEST, out=values)


_UNIT = np.ones(FACE_SIZE, bool)
_UNIT[HEAD] = False


def _columns(
    given: Any, order: tuple[str, ...], known: tuple[str, ...], what: str, counts: tuple[int, ...]
) -> dict[str, NDArray[np.float64]]:
    if isinstance(given, Mapping):
        unknown = [name for name in given if name not in known]
        if unknown:
            raise MotionError(f"{what} name {unknown[0]!r}, which is not known: give names like {known[0]} or {known[-1]}.")
        return {str(name): _numbers(column, f"The motion of {name}", 1) for name, column in given.items()}
    table = np.atleast_2d(_numbers(given, what, 2))
    if table.shape[1] not in counts:
        wanted = " or ".join(f"[n, {count}]" for count in counts)
        raise MotionError(f"{what} are an array {list(table.shape)}: give {wanted}.")
    return dict(zip(order, table.T, strict=False))


def _numbers(given: Any, what: str, most: int) -> NDArray[np.float64]:
    try:
        numbers = np.asarray(given, np.float64)
    except (TypeError, ValueError) as error:
        raise MotionError(f"{what} are no numbers: give an array of floats.") from error
    if numbers.ndim > most:
        raise MotionError(f"{what} have {numbers.ndim} dimensions: give {most} at most.")
    return numbers

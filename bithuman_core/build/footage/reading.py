"""The pictures of a clip at 25 a second, and its sound."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bithuman_core.build.arrays import Array
from bithuman_core.timing import FPS


def at_frame_rate(pictures: Iterator[tuple[float, Array]]) -> Iterator[Array]:
    """Of (seconds, picture) in order, the nearest ones to the ticks of 25 a second."""
    before: tuple[float, Array] | None = None
    due, start = 0, 0.0
    for time, picture in pictures:
        if before is None:
            start = time
        time -= start
        while before is not None and due / FPS <= time:
            at = due / FPS
            yield picture if time - at <= at - before[0] else before[1]
            due += 1
        if before is None:
            yield picture
            due = 1
        before = time, picture


def as_array(picture: object) -> Array:
    """RGB uint8 [h, w, 3]."""
    return np.asarray(picture, np.uint8)

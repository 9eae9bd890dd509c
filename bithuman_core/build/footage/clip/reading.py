"""The pictures of a clip at 25 a second, and which of its seconds are taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import numpy as np

from bithuman_core.build.arrays import Array
from bithuman_core.build.footage.clip.gates import cuts
from bithuman_core.build.footage.clip.watch import Changes
from bithuman_core.build.footage.person.tracking import ONE_LOOK, track
from bithuman_core.build.photo.models import load_face_nets
from bithuman_core.timing import FPS

Shots = Callable[[], Iterable[Array]]
"""Gives the pictures of a clip, RGB uint8 [h, w, 3], 25 a second, from the first one on, each time it is called."""
MOST_SECONDS = 20
"""What is kept of a longer clip: its best part."""
LOOKED_AT = 12
"""Frames from one to the next that are looked at to find it."""
GAP, YAW = 0.03, 12.0
"""Face widths of lip gap and degrees of yaw that count as much as a lost face does."""
CUT_COST = 1000.0
"""Of a cut: a part without one is better than any with one."""
SOME_TALK = 0.1
"""Of the frames looked at that should show an open mouth: its inside is taken from them."""


def at_frame_rate(pictures: Iterable[tuple[float, Array]]) -> Iterator[Array]:
    """Of (seconds, picture) in order, the nearest ones to the ticks of 25 a second."""
    before: tuple[float, Array] | None = None
    due, start = 0, 0.0
    for time, picture in pictures:
        if before is None:
            start = time
            yield picture
            due = 1
        at = time - start
        while before is not None and due / FPS <= at:
            tick = due / FPS
            yield picture if at - tick <= tick - before[0] else before[1]
            due += 1
        before = at, picture


def best_part(shots: Shots, face: int | None) -> tuple[int, int]:
    """First frame and end of the part of a clip that is kept: where face and mouth rest most, with some talk in it."""
    most = MOST_SECONDS * FPS
    changes = Changes()

    def looked_at() -> Iterator[Array]:
        for k, picture in enumerate(shots()):
            changes.see(picture)
            if k % LOOKED_AT == 0:
                yield picture

    seen = track(load_face_nets(), looked_at(), face, ONE_LOOK)
    count = len(changes)
    if count <= most:
        return 0, count
    cut = np.add.reduceat(cuts(changes.levels), np.arange(0, count, LOOKED_AT))
    points = seen.landmarks
    width = np.linalg.norm(points[:, 454] - points[:, 234], axis=-1)
    gap = np.linalg.norm(points[:, 13, :2] - points[:, 14, :2], axis=-1) / width
    across = points[:, 454] - points[:, 234]
    yaw = np.degrees(np.arcsin(np.clip(across[:, 2] / width, -1, 1)))
    cost = np.minimum(gap / GAP, 2) + (yaw / YAW) ** 2 + 4.0 * ~seen.found + CUT_COST * cut
    length = most // LOOKED_AT
    starts = range(0, len(cost) - length + 1)
    lack = [max(SOME_TALK - float((gap[k : k + length] > GAP).mean()), 0) * 20 for k in starts]
    best = min(starts, key=lambda k: float(cost[k : k + length].mean()) + lack[k])
    first = best * LOOKED_AT
    return first, min(first + most, count)


def part(shots: Shots, first: int, end: int) -> Shots:
    """The frames from ``first`` to ``end`` of them."""
    return lambda: islice(shots(), first, end)

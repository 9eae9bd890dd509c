"""Hair that the photo cuts off goes on as a round head, not as a block."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy", reason="the photo builder's extra is not installed")

from bithuman_core.build.photo.landmarker import CHIN
from bithuman_core.build.scene.beyond import beyond
from bithuman_core.build.shape.canvas import Canvas
from bithuman_core.build.shape.distance import nearest_in

SIDE, RADIUS, MIDDLE = 512, 180, (220, 256)  # px; row and column of a head's middle


def cut_off(rows: int, left: int = 0) -> tuple[np.ndarray, np.ndarray, Canvas]:
    """A round head, what the photo shows of it, and the canvas of a photo that lacks so many rows and columns."""
    y, x = np.mgrid[:SIDE, :SIDE]
    head = np.clip(RADIUS + 0.5 - np.hypot(y - MIDDLE[0], x - MIDDLE[1]), 0, 1).astype(np.float32)
    inside = (y >= rows) & (x >= left)
    landmarks = np.zeros((478, 3), np.float32)
    landmarks[CHIN] = MIDDLE[1], MIDDLE[0] + RADIUS, 0
    canvas = Canvas(np.zeros((SIDE, SIDE, 3), np.float32), inside, nearest_in(inside), landmarks)
    return head, np.where(inside, head, 0).astype(np.float32), canvas


@pytest.mark.parametrize("rows", [60, 80, 100])
def test_a_head_that_is_cut_off_is_round_beyond_the_edge(rows: int) -> None:
    head, shown, canvas = cut_off(rows)
    whole = beyond(shown, canvas)
    assert np.array_equal(whole[rows:], shown[rows:]), "what the photo shows stays"
    for row in range(max(rows - 60, 45), rows, 10):
        wanted, got = (np.flatnonzero(matte[row] > 0.5) for matte in (head, whole))
        block = np.flatnonzero(shown[rows] > 0.5)
        assert abs(got[0] - wanted[0]) < 0.7 * abs(block[0] - wanted[0]) + 6
        assert abs(got[-1] - wanted[-1]) < 0.7 * abs(block[-1] - wanted[-1]) + 6


def test_a_side_on_which_the_photo_ends_as_well_goes_straight_on() -> None:
    _, shown, canvas = cut_off(80, left=200)
    whole = beyond(shown, canvas)
    assert whole[50, 205] > 0.5 and whole[50, 256 + RADIUS - 20] < 0.5


def test_a_photo_with_room_around_the_head_keeps_its_matte() -> None:
    _, shown, canvas = cut_off(0)
    assert beyond(shown, canvas) is shown

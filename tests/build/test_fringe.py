"""What stands beside the person is shared out between her and the background behind her."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("scipy", reason="the photo builder's extra is not installed")

from bithuman_core.build.scene.fringe import shared_out
from bithuman_core.build.scene.plate import background
from bithuman_core.build.shape.canvas import Canvas

SIDE = 512
MIDDLE, RADIUS = 256, 130
GREY, BLACK, RED = 0.7, 0.05, (0.6, 0.1, 0.1)
STROKES = slice(120, 170), slice(300, 330)  # rows of the letters' strokes, which go on behind her
Picture = NDArray[np.float32]


def scene(earring: slice | None = None) -> tuple[Canvas, Picture, Picture]:
    """A person, a red disc, before black strokes on grey, and her matte, which has a haze about her as nets see it there.

    earring: rows of a black square beside her that no stroke touches and the matte does not have.
    """
    y, x = np.mgrid[:SIDE, :SIDE]
    away = np.hypot(y - MIDDLE, x - MIDDLE) - RADIUS
    picture = np.full((SIDE, SIDE, 3), GREY, np.float32)
    for rows in STROKES:
        picture[rows] = BLACK
    if earring is not None:
        picture[earring, MIDDLE + RADIUS + 16 : MIDDLE + RADIUS + 26] = BLACK
    alpha = np.clip(0.5 - away / 2, 0, 1).astype(np.float32)
    picture += alpha[..., None] * (np.array(RED, np.float32) - picture)
    alpha = np.maximum(alpha, 0.02 * (away < 60)).astype(np.float32)
    nothing = np.zeros((2, SIDE, SIDE), np.int32)
    canvas = Canvas(picture, np.ones((SIDE, SIDE), bool), nothing, np.zeros((478, 3), np.float32))
    return canvas, alpha, np.broadcast_to(np.array(RED, np.float32), picture.shape).copy()


def test_letters_behind_the_person_stay_behind_as_she_moves() -> None:
    canvas, alpha, colours = scene()
    alpha, _, plate = shared_out(canvas, alpha, colours, background(canvas, alpha), fine=False)
    y, x = np.mgrid[:SIDE, :SIDE]
    beside = np.hypot(y - MIDDLE, x - MIDDLE) > RADIUS + 16
    assert alpha[beside].max() < 0.1
    assert np.abs(plate - canvas.picture[::2, ::2])[beside[::2, ::2]].max() < 0.1


def test_what_hangs_beside_the_person_is_hers() -> None:
    rows = slice(MIDDLE - 14, MIDDLE - 4)
    canvas, alpha, colours = scene(rows)
    alpha, _, plate = shared_out(canvas, alpha, colours, background(canvas, alpha), fine=False)
    place = slice(rows.start + 3, rows.stop - 3), slice(MIDDLE + RADIUS + 19, MIDDLE + RADIUS + 23)
    assert alpha[place].min() > 0.7
    assert plate[place[0].start // 2, place[1].start // 2].min() > 0.5


def test_person_and_plate_give_the_photo() -> None:
    canvas, alpha, colours = scene()
    alpha, colours, plate = shared_out(canvas, alpha, colours, background(canvas, alpha), fine=False)
    whole = colours * alpha[..., None] + plate.repeat(2, 0).repeat(2, 1) * (1 - alpha[..., None])
    assert np.abs(whole - canvas.picture).mean() < 0.01

"""The mouth that is drawn into footage: its teeth, its lips, and the person's own way of moving them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bithuman_core.build.footage.mouth.articulation import width_gain
from bithuman_core.build.footage.mouth.teeth import length, with_teeth
from bithuman_core.face import FaceState
from bithuman_core.render.footage.interior import TALL, WIDE, Interiors
from bithuman_core.render.footage.mouth_patch import LOWER, features
from bithuman_core.render.footage.rig import ring_points
from tests.footage import Filmed

pytest.importorskip("ai_edge_litert")
WIDTH = 0.3  # face widths
DARK, TEETH = 30.0, 200.0  # levels


def mouths(**teeth: float) -> Interiors:
    """Open mouths by their gap (thousandths of a face width) with upper teeth of that length (likewise), dark below."""
    gap = np.array([float(name.removeprefix("gap")) / 1000 for name in teeth], np.float32)
    down = (np.arange(TALL) + 0.5) / TALL
    lit = [np.where(down * g < shown / 1000, TEETH, DARK) for g, shown in zip(gap, teeth.values(), strict=True)]
    patches = np.stack([np.broadcast_to(rows[:, None, None], (TALL, WIDE, 3)) for rows in lit]).astype(np.float32)
    return Interiors(patches, features(gap, np.full(len(gap), WIDTH)), gap)


def test_wide_mouths_show_as_much_of_the_upper_teeth_as_any() -> None:
    made = with_teeth(mouths(gap15=8, gap40=20, gap80=5, gap120=0))
    shown = [length(patch, float(gap)) for patch, gap in zip(made.patches, made.gap, strict=True)]
    assert shown[1:] == pytest.approx([0.02, 0.02, 0.02], abs=0.003)
    assert shown[0] < 0.01  # it is not open far enough
    assert made.patches[3, TALL // 2 :].max() < 2 * DARK  # below them nothing has changed


def test_where_no_teeth_are_seen_none_are_made() -> None:
    given = mouths(gap40=0, gap80=0)
    assert np.array_equal(with_teeth(given).patches, given.patches)


def test_the_lower_lip_of_an_open_jaw_is_round(film: Filmed) -> None:
    rig = film.rig
    row = list(film.file.manifest.coefficients).index("jawOpen")
    moved, some = rig.vertices.copy(), slice(*rig.shapes.start[row : row + 2])
    moved[rig.shapes.index[some]] += 0.5 * rig.shapes.delta[some]
    lip = ring_points(rig.inner, moved)[LOWER]
    fall = (lip[:, 1] - lip[[0, -1], 1].mean()) / (lip[10, 1] - lip[[0, -1], 1].mean())
    straight = np.interp(lip[:, 0], lip[[0, 10, 20], 0], [0, 1, 0])
    beside = [4, 5, 15, 16]  # half way from the corners to the middle
    assert (fall[beside] > straight[beside] + 0.25).all()  # of a parabola it is .2 on lips that bow up at rest


def spoken(count: int = 120) -> list[FaceState]:
    """Mouths that narrow and widen as they open and close."""
    rng = np.random.default_rng(5)
    amounts = rng.uniform(0, 0.25, (count, 3))
    shapes = ("mouthPucker", "mouthSmileLeft", "mouthSmileRight")
    return [FaceState.from_mapping({"jawOpen": 0.1, **dict(zip(shapes, (a, b, b), strict=True))}) for a, b, _ in amounts]


@pytest.mark.parametrize("own", [0.8, 1.0, 1.4])
def test_how_much_somebody_narrows_and_widens_her_mouth_is_learnt(film: Filmed, own: float) -> None:
    heard = spoken()
    does = np.array([replace(film.rig, width_gain=own).measure(face).width for face in heard])
    assert width_gain(film.rig, heard, does, 0) == pytest.approx(own)
    assert width_gain(film.rig, heard[3:] + heard[:3], does, 3) == pytest.approx(own)  # the sound is not at its picture's time


def test_nothing_is_learnt_of_widths_that_have_nothing_to_do_with_the_talk(film: Filmed) -> None:
    does = np.array([film.rig.measure(face).width for face in spoken()])
    assert width_gain(film.rig, spoken(), does.mean() - 3 * (does - does.mean()), 0) == 1.0


def test_a_mouth_that_widens_more_narrows_more_too_and_is_the_same_at_rest(film: Filmed) -> None:
    def width(gain: float, **values: float) -> float:
        return replace(film.rig, width_gain=gain).measure(FaceState.from_mapping(values)).width

    assert width(1.5) == width(1.0)
    for name, sign in (("mouthPucker", -1), ("mouthFunnel", -1), ("mouthStretchLeft", 1), ("mouthSmileRight", 1)):
        moved = [sign * (width(gain, **{name: 0.2}) - width(gain)) for gain in (0.7, 1.0, 1.5)]
        assert 0 < moved[0] < moved[1] < moved[2], name

"""Closed lips stay closed: whatever the head's turn in the photo, a smile shows nothing of the mouth's inside."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("ai_edge_litert", reason="the photo builder's extra is not installed")

from bithuman_core.build.shape.camera import project, rotation
from bithuman_core.build.shape.fit import fit
from bithuman_core.build.shape.lips import keep_closed
from bithuman_core.build.shape.raster import raster
from bithuman_core.build.shape.rest import rest
from bithuman_core.build.shape.shapes import transferred
from bithuman_core.build.shape.template import MOUTH, SKIN, load_template
from bithuman_core.build.skin import eyes
from tests.build.test_rig import landmarks_of

SMILE = ("mouthSmileLeft", "mouthSmileRight")
CLOSED = (SMILE, SMILE[:1], (*SMILE, "cheekSquintLeft", "cheekSquintRight"), ("mouthDimpleLeft", "mouthDimpleRight"),
          ("mouthFrownLeft", "mouthFrownRight"), ("mouthLeft",), ("cheekPuff",))  # fmt: skip
SIDE = 512


def head(yaw: float, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float32]]:
    """The neutral vertices of a head that a photo shows turned by yaw (degrees), its shapes before and after the mend."""
    template = load_template()
    fitted = fit(template, landmarks_of(rotation(np.radians([0.0, -yaw, 0.0])), seed, 0.0), {})
    neutral, _ = rest(template, fitted)
    before = transferred(template, fitted, neutral, eyes.balls(template, fitted, neutral))
    after = before.copy()
    keep_closed(template, neutral, after)
    return neutral, before, after


def inside_shown(points: NDArray[np.float64]) -> int:
    """Px of a frame that show the inside of the mouth."""
    template = load_template()
    rows = np.isin(template.part, (SKIN, MOUTH))
    screen = project(points) * np.array([0.5, 0.5, 1])
    _, triangle, _ = raster(screen, template.triangles[rows], SIDE, SIDE)
    return int((template.part[rows][triangle[triangle >= 0]] == MOUTH).sum())


@pytest.mark.parametrize(("yaw", "seed"), [(19.0, 1), (-21.0, 2), (23.0, 3), (-23.0, 5), (0.0, 4)])
def test_no_expression_of_closed_lips_shows_what_is_behind_them(yaw: float, seed: int) -> None:
    template = load_template()
    neutral, before, after = head(yaw, seed)
    shown = [0, 0]
    for names in CLOSED:
        rows = [template.names.index(name) for name in names]
        for amount in (0.35, 0.7, 1.0):
            for which, deltas in enumerate((before, after)):
                shown[which] += inside_shown(neutral + amount * deltas[rows].sum(0))
    assert shown[1] <= 1
    assert shown[0] > 5 or not yaw, "or this head would not have shown the fault"


@pytest.mark.parametrize(("yaw", "seed"), [(0.0, 6), (15.0, 7), (-15.0, 8)])
def test_opening_lips_show_no_tags_of_skin(yaw: float, seed: int) -> None:
    """Their edges are lines from corner to corner: what the photo shows of lips lies on its own side of them."""
    template = load_template()
    neutral, _, deltas = head(yaw, seed)
    opened = neutral + 0.4 * deltas[template.names.index("jawOpen")]
    rows = np.isin(template.part, (SKIN, MOUTH))
    _, triangle, _ = raster(project(opened), template.triangles[rows], 2 * SIDE, 2 * SIDE)
    inside = (triangle >= 0) & (template.part[rows][triangle] == MOUTH)
    columns = np.flatnonzero(inside.any(0))[2:-2]
    for edge in (inside.argmax(0)[columns], 2 * SIDE - 1 - inside[::-1].argmax(0)[columns]):
        smooth = np.convolve(np.pad(edge, 8, mode="reflect", reflect_type="odd"), np.ones(17) / 17, mode="valid")
        assert np.abs(edge - smooth).max() < 6  # px of the canvas


def test_lips_part_where_they_should() -> None:
    template = load_template()
    neutral, before, after = head(21.0, 1)
    for name in ("jawOpen", "mouthFunnel", "mouthUpperUpLeft", "mouthLowerDownRight"):
        row = template.names.index(name)
        np.testing.assert_array_equal(before[row], after[row])
        assert inside_shown(neutral + after[row]) > 20
    teeth = template.teeth
    np.testing.assert_array_equal(before[:, teeth], after[:, teeth])


@pytest.mark.parametrize("expression", [{"mouthFrownLeft": 0.9}, {"mouthSmileRight": 0.9}, {"browOuterUpLeft": 0.9}])
def test_one_sided_expressions_of_the_photo_are_not_kept(expression: dict[str, float]) -> None:
    """Corners of the mouth and brows end as high on either side."""
    template = load_template()
    posed = template.points + sum(v * template.deltas[template.names.index(n)] for n, v in expression.items())
    marks = np.concatenate([project(template.at("mediapipe", posed)), np.zeros((10, 3))])
    fitted = fit(template, marks, expression)
    neutral, kept = rest(template, fitted)

    def askew(points: NDArray[np.float64]) -> float:
        y = template.at("mediapipe", points)[:, 1]
        return max(abs(float(y[a] - y[b])) for a, b in ((61, 291), (105, 334))) / fitted.face_width

    assert askew(fitted.points) > 0.02
    assert askew(neutral) < 0.012
    assert all(kept.get(name, 0.0) < 0.2 for name in expression)

"""What is fitted to a mouth: as wide and as open as the landmarks say, within what coefficients can be."""

from __future__ import annotations

import numpy as np
import pytest

from bithuman_core.build.footage.person.head import HeadFit, Pose, fitted_shapes
from bithuman_core.build.shape.template import load_template

SPOKEN = [{"mouthPucker": 0.6, "jawOpen": 0.2}, {"mouthStretchLeft": 0.4, "mouthStretchRight": 0.4, "jawOpen": 0.1}, {}]


@pytest.mark.parametrize("said", SPOKEN)
@pytest.mark.parametrize("steps", [3, 4])
def test_a_mouth_is_as_wide_and_as_open_as_its_landmarks(said: dict[str, float], steps: int) -> None:
    template = load_template()
    shapes = fitted_shapes(template)
    head = HeadFit(template, template.points.astype(np.float64), shapes)
    pose = Pose(np.eye(3), 1.0, np.zeros(2))
    amount = np.array([said.get(template.names[k], 0.0) for k in shapes])
    target = pose.screen(head.head(amount))[:, :2] + np.random.default_rng(5).normal(0, 1.0, (468, 2))
    found = head.fit(target, pose, np.full(len(shapes), 0.1), np.zeros(len(shapes)), steps, turned=False)
    assert ((found.amount >= 0) & (found.amount <= 1)).all()
    seen = pose.screen(head.head(found.amount))
    for a, b in ((61, 291), (13, 14)):
        assert np.linalg.norm(seen[a] - seen[b]) == pytest.approx(np.linalg.norm(target[a] - target[b]), abs=3.0)

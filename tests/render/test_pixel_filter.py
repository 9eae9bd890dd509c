"""The pixel filter: exact weights, light neither made nor lost, edges without steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bithuman_core.errors import ModelLoadError
from bithuman_core.imx import read_imx
from bithuman_core.render import read_rig
from bithuman_core.render.pixel_filter import STEPS, PixelFilter
from bithuman_core.settings import models_dir

SHAPES = st.tuples(st.integers(2, 9), st.integers(2, 9), st.just(3))


def expected(frame: np.ndarray, side: int) -> np.ndarray:
    """The same in plain numpy, rounded half up."""
    total = frame.astype(np.int64)
    for axis in (0, 1):
        edge = np.pad(total, [(1, 1) if k == axis else (0, 0) for k in range(3)], mode="edge")
        count = total.shape[axis]
        before, after = edge.take(range(count), axis), edge.take(range(2, count + 2), axis)
        total = (STEPS - 2 * side) * total + side * (before + after)
    return (total + STEPS * STEPS // 2) // (STEPS * STEPS)


@given(hnp.arrays(np.uint8, SHAPES), st.integers(0, 4))
def test_every_pixel_is_the_weighted_mean_of_its_neighbourhood(frame: np.ndarray, side: int) -> None:
    filtered = frame.copy()
    PixelFilter(side / STEPS, frame.shape[1]).apply(filtered)
    assert np.array_equal(filtered, expected(frame, side))


def test_the_shipped_avatars_are_filtered_at_their_own_size_alone() -> None:
    avatar = read_imx(models_dir() / "mara.imx")
    assert read_rig(avatar).pixel_filter == 1 / STEPS
    assert read_rig(avatar, 1024).pixel_filter == 0.0


@pytest.mark.parametrize("share", [-0.1, 0.3, True, "much", float("nan")])
def test_a_share_that_cannot_be_gets_a_sentence(share: object) -> None:
    avatar = read_imx(models_dir() / "mara.imx")
    wrong = replace(avatar, manifest=replace(avatar.manifest, rig={**avatar.manifest.rig, "pixel_filter": share}))
    with pytest.raises(ModelLoadError, match="pixel_filter"):
        read_rig(wrong)

"""The face state: names, order, checks."""

from __future__ import annotations

import numpy as np
import pytest

from bithuman_core.face import ARKIT_NAMES, FACE_NAMES, FaceState, indices


def test_apples_order() -> None:
    assert len(ARKIT_NAMES) == len(set(ARKIT_NAMES)) == 52
    assert ARKIT_NAMES[0] == "eyeBlinkLeft"
    assert ARKIT_NAMES[17] == "jawOpen"
    assert ARKIT_NAMES[-1] == "tongueOut"


def test_values_are_read_and_set_by_name() -> None:
    face = FaceState.from_mapping({"jawOpen": 0.4, "headYaw": -8.0})
    assert face["jawOpen"] == pytest.approx(0.4)
    assert face.head[0] == -8.0
    assert face.coefficients.sum() == pytest.approx(0.4)
    assert set(face.to_dict()) == {"jawOpen", "headYaw"}
    with pytest.raises(KeyError):
        face["jawopen"] = 1.0


def test_a_copy_is_independent_and_clipping_leaves_the_head() -> None:
    face = FaceState.from_mapping({"jawOpen": 1.7, "mouthClose": -0.3, "headYaw": 20.0})
    clipped = face.clipped()
    assert (clipped["jawOpen"], clipped["mouthClose"], clipped["headYaw"]) == (1.0, 0.0, 20.0)
    assert face["jawOpen"] == pytest.approx(1.7)


def test_indices_follow_the_names() -> None:
    assert [FACE_NAMES[i] for i in indices("jawOpen", "headZ")] == ["jawOpen", "headZ"]


def test_wrong_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match=r"float32 \[59\]"):
        FaceState(np.zeros(52, np.float32))
    with pytest.raises(ValueError, match="float64"):
        FaceState(np.zeros(59))  # type: ignore[arg-type]

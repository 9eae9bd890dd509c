"""A rig is only made from an avatar whose arrays fit each other; otherwise one sentence says what is wrong."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bithuman_core.errors import ModelLoadError, ModelNotFoundError
from bithuman_core.face import ARKIT_NAMES, FaceState
from bithuman_core.imx import ImxFile, read_imx
from bithuman_core.render import PortraitRenderer, PortraitRig, load_rig
from bithuman_core.settings import models_dir

Arrays = dict[str, Any]


@pytest.fixture(scope="module")
def avatar() -> ImxFile:
    return read_imx(models_dir() / "mara.imx")


def changed(avatar: ImxFile, name: str, change: Callable[[Any], Any]) -> ImxFile:
    arrays = dict(avatar.arrays)
    arrays[name] = change(arrays[name])
    return ImxFile(avatar.manifest, arrays)


def encoded(width: int, height: int, channels: int) -> Any:
    """A grey picture as an avatar holds it."""
    file = io.BytesIO()
    Image.fromarray(np.full((height, width, channels), 128, np.uint8)).save(file, "PNG")
    return np.frombuffer(file.getvalue(), np.uint8)


def test_a_missing_file_is_said(tmp_path: Any) -> None:
    with pytest.raises(ModelNotFoundError, match=r"nobody\.imx"):
        load_rig(tmp_path / "nobody.imx")


NEEDED = (
    "vertices", "uv", "triangles", "part", "weight", "shape_start", "shape_index", "shape_delta", "residual", "detail_box",
    "landmark", "landmark_index", "backdrop_vertices", "texture", "backdrop", "plate", "eye_left", "catchlight_right",
)  # fmt: skip


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_array_is_named(avatar: ImxFile, name: str) -> None:
    arrays = {k: v for k, v in avatar.arrays.items() if k != name}
    with pytest.raises(ModelLoadError, match=name):
        PortraitRig.from_imx(ImxFile(avatar.manifest, arrays))


DAMAGE = {
    "uv": lambda a: a[:-1],
    "part": lambda a: a.astype(np.int32),
    "shape_start": lambda a: a[::-1].copy(),
    "shape_delta": lambda a: a[:, :2].copy(),
    "residual": lambda a: a[:-1],
    "detail_start": lambda a: np.zeros_like(a),
    "residual_box": lambda a: a + np.uint16(9999),
    "landmark": lambda a: np.zeros_like(a),
    "backdrop_uv": lambda a: a + np.float32(5000),
    # the container checks only the index arrays that the manifest lists
    "triangles": lambda a: np.full_like(a, 65535),
    "shape_index": lambda a: np.full_like(a, 65535),
    "landmark_index": lambda a: np.full_like(a, 65535),
    "backdrop_triangles": lambda a: np.full_like(a, 65535),
    # what would reach behind the camera
    "vertices": lambda a: a - np.float32(4000),
    "shape_delta ": lambda a: np.full_like(a, 60000),
    "backdrop_vertices": lambda a: a * np.float32(9),
    "eye_left": lambda a: encoded(8, 8, 4),
    "texture": lambda a: encoded(450, 1000, 4),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_arrays_that_do_not_fit_are_refused(avatar: ImxFile, name: str) -> None:
    with pytest.raises(ModelLoadError):
        PortraitRig.from_imx(changed(avatar, name.strip(), DAMAGE[name]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"eyes": []},
        {"eyes": {"left": [], "right": []}},
        {"gaze_degrees": 20.0},
        {"pivot": [0.0, float("nan"), 0.0]},
        {"pivot": [True, 0, 0]},
        {"pivot": [0.0, 0.0, 9000.0]},
        {"distance": 100.0},
        {"face_width": 1e30},
        {"sample_canvas": 1000},
    ],
)
def test_wrong_numbers_are_refused(avatar: ImxFile, wrong: dict[str, Any]) -> None:
    rig = {**avatar.manifest.rig, **wrong}
    with pytest.raises(ModelLoadError):
        PortraitRig.from_imx(ImxFile(replace(avatar.manifest, rig=rig), avatar.arrays))


def test_head_limits_stay_human(avatar: ImxFile) -> None:
    for limits in ({"headYaw": (-90.0, 90.0)}, {"headZ": (-5.0, 0.0)}):
        with pytest.raises(ModelLoadError, match="limits"):
            PortraitRig.from_imx(ImxFile(replace(avatar.manifest, limits=limits), avatar.arrays))


@pytest.mark.parametrize("name", ["distance", "pivot", "face_width", "eyes", "gaze_degrees", "sample_canvas"])
def test_missing_numbers_are_refused(avatar: ImxFile, name: str) -> None:
    rig = {k: v for k, v in avatar.manifest.rig.items() if k != name}
    with pytest.raises(ModelLoadError):
        PortraitRig.from_imx(ImxFile(replace(avatar.manifest, rig=rig), avatar.arrays))


def test_an_avatar_without_some_shapes_still_plays(avatar: ImxFile) -> None:
    """The file may hold any of the ARKit names in any order; what it lacks does nothing."""
    assert len(avatar.manifest.coefficients) < len(ARKIT_NAMES)
    rig = PortraitRig.from_imx(avatar)
    renderer = PortraitRenderer(rig)
    np.testing.assert_array_equal(renderer.render(FaceState.from_mapping({"tongueOut": 1.0})), renderer.render(FaceState()))


def test_the_rig_is_read_only_and_small(avatar: ImxFile) -> None:
    rig = PortraitRig.from_imx(avatar)
    for array in (rig.texture, rig.backdrop, rig.plate):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 0
    pictures = rig.texture.nbytes + rig.backdrop.nbytes + rig.plate.nbytes
    shapes = rig.shapes.delta.nbytes + rig.shapes.index.nbytes
    assert (pictures + shapes + sum(a.nbytes for a in avatar.arrays.values())) / 2**20 < 40

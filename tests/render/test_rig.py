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
from bithuman_core.render import PortraitRenderer, load_rig, read_rig
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
        read_rig(ImxFile(avatar.manifest, arrays))


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
        read_rig(changed(avatar, name.strip(), DAMAGE[name]))


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
        {"principal": [512.0]},
        {"principal": [-1.0, 512.0]},
        {"principal": [512.0, 1025.0]},
        {"correctives": {}},
        {"correctives": [{"product": ["jawOpen", "mouthPucker"]}] * 65},
    ],
)
def test_wrong_numbers_are_refused(avatar: ImxFile, wrong: dict[str, Any]) -> None:
    rig = {**avatar.manifest.rig, **wrong}
    with pytest.raises(ModelLoadError):
        read_rig(ImxFile(replace(avatar.manifest, rig=rig), avatar.arrays))


def test_head_limits_stay_human(avatar: ImxFile) -> None:
    for limits in ({"headYaw": (-90.0, 90.0)}, {"headZ": (-5.0, 0.0)}):
        with pytest.raises(ModelLoadError, match="limits"):
            read_rig(ImxFile(replace(avatar.manifest, limits=limits), avatar.arrays))


@pytest.mark.parametrize("name", ["distance", "pivot", "face_width", "eyes", "gaze_degrees", "sample_canvas"])
def test_missing_numbers_are_refused(avatar: ImxFile, name: str) -> None:
    rig = {k: v for k, v in avatar.manifest.rig.items() if k != name}
    with pytest.raises(ModelLoadError):
        read_rig(ImxFile(replace(avatar.manifest, rig=rig), avatar.arrays))


def test_an_avatar_without_some_shapes_still_plays(avatar: ImxFile) -> None:
    """The file may hold any of the ARKit names in any order; what it lacks does nothing."""
    assert len(avatar.manifest.coefficients) < len(ARKIT_NAMES)
    rig = read_rig(avatar)
    renderer = PortraitRenderer(rig)
    np.testing.assert_array_equal(renderer.render(FaceState.from_mapping({"tongueOut": 1.0})), renderer.render(FaceState()))


def test_the_rig_is_read_only_and_small(avatar: ImxFile) -> None:
    rig = read_rig(avatar)
    for array in (rig.texture, rig.backdrop, rig.plate):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 0
    pictures = rig.texture.nbytes + rig.backdrop.nbytes + rig.plate.nbytes
    shapes = rig.shapes.delta.nbytes + rig.shapes.index.nbytes
    assert (pictures + shapes + sum(a.nbytes for a in avatar.arrays.values())) / 2**20 < 40


def with_rows(avatar: ImxFile, drivers: list[dict[str, Any]], level: float) -> ImxFile:
    """The avatar with these correctives alone, each of which brightens the whole skin by ``level`` levels."""
    shapes, extra = len(avatar.manifest.coefficients), len(drivers)
    rig = {**avatar.manifest.rig, "correctives": drivers}
    arrays = dict(avatar.arrays)
    side = read_rig(avatar).residual_side // 2
    for name in ("residual", "detail"):
        start = arrays[f"{name}_start"][: shapes + 1]
        size = side * side * 3 if name == "residual" else 0
        box = np.tile(np.array([[0, 0, side, side]], np.uint16) if size else np.zeros((1, 4), np.uint16), (extra, 1))
        arrays[f"{name}_start"] = np.concatenate([start, start[-1] + size * np.arange(1, extra + 1)]).astype(np.uint32)
        arrays[f"{name}_box"] = np.concatenate([arrays[f"{name}_box"][:shapes], box])
        scale = np.full(extra, level / 100, np.float32)
        arrays[f"{name}_scale"] = np.concatenate([arrays[f"{name}_scale"][:shapes], scale])
        arrays[name] = np.concatenate([arrays[name][: start[-1]], np.full(size * extra, 100, np.int8)])
    return ImxFile(replace(avatar.manifest, rig=rig), arrays)


def forehead(avatar: ImxFile, face: dict[str, float]) -> float:
    """Mean level of a patch of the forehead."""
    frame = PortraitRenderer(read_rig(avatar)).render(FaceState.from_mapping(face))
    side = len(frame)
    return float(frame[int(0.3 * side) : int(0.33 * side), int(0.48 * side) : int(0.52 * side)].mean())


def test_a_pair_of_shapes_brings_its_corrective(avatar: ImxFile) -> None:
    bare = with_rows(avatar, [], 0.0)
    lit = with_rows(avatar, [{"product": ["jawOpen", "mouthPucker"]}], 20.0)
    for jaw, pucker in ((1.0, 0.0), (0.0, 1.0), (0.5, 1.0), (1.0, 1.0)):
        face = {"jawOpen": jaw, "mouthPucker": pucker}
        assert forehead(lit, face) - forehead(bare, face) == pytest.approx(20.0 * jaw * pucker, abs=1.5)


def test_a_turned_head_brings_the_light_of_its_side(avatar: ImxFile) -> None:
    bare = with_rows(avatar, [], 0.0)
    lit = with_rows(avatar, [{"head": "headYaw", "degrees": -8.0}, {"product": ["jawOpen", "jawOpen"]}], 20.0)
    for yaw, share in ((6.0, 0.0), (0.0, 0.0), (-4.0, 0.5), (-8.0, 1.0), (-11.0, 1.0)):
        assert forehead(lit, {"headYaw": yaw}) - forehead(bare, {"headYaw": yaw}) == pytest.approx(20.0 * share, abs=1.5)
    assert forehead(lit, {"jawOpen": 1.0}) - forehead(bare, {"jawOpen": 1.0}) == pytest.approx(20.0, abs=1.5)


@pytest.mark.parametrize(
    "driver",
    [{}, [], {"product": ["jawOpen"]}, {"product": ["jawOpen", "smirk"]}, {"head": "headX", "degrees": 5}, {"head": "headYaw"},
     {"head": "headYaw", "degrees": 0}, {"head": "headYaw", "degrees": float("nan")}, {"head": [], "degrees": 9}],
)  # fmt: skip
def test_a_corrective_that_nothing_drives_is_refused(avatar: ImxFile, driver: Any) -> None:
    lit = with_rows(avatar, [{"head": "headRoll", "degrees": 9}], 1.0)
    rig = {**lit.manifest.rig, "correctives": [driver]}
    with pytest.raises(ModelLoadError, match="corrective"):
        read_rig(ImxFile(replace(lit.manifest, rig=rig), lit.arrays))

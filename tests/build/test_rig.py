"""From an analysed photo to a rig: the head is fitted, a smile closes and talks, lids meet, the background stays."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("ai_edge_litert", reason="the photo builder's extra is not installed")

from benchmarks.portrait import checks, lip_gap, posed
from bithuman_core.build.analysis import analyse
from bithuman_core.build.assemble import GESTURES, assemble
from bithuman_core.build.photo.portrait import CANVAS, Portrait
from bithuman_core.build.scene import glasses
from bithuman_core.build.shape import limits, rest
from bithuman_core.build.shape.camera import project, rotation
from bithuman_core.build.shape.fit import Fit, fit
from bithuman_core.build.shape.raster import raster
from bithuman_core.build.shape.template import ATLAS, load_template
from bithuman_core.build.skin import mouth, skin
from bithuman_core.build.skin.light import residual
from bithuman_core.face import ARKIT_NAMES, FaceState
from bithuman_core.imx import read_imx, write_imx
from bithuman_core.render import PortraitRenderer, read_rig

DATA = Path(__file__).parents[1] / "data"
CLIPS = Path(__file__).parents[2] / "training" / "avatars" / "gestures"
LIPS_AND_EYES = (13, 14, 0, 17, 61, 291, 33, 133, 362, 263, 159, 145, 386, 374)


@pytest.fixture(scope="module")
def smiling() -> Portrait:
    """Eileen Collins with a broad smile (NASA, public domain)."""
    return analyse(DATA / "astronaut.jpg")


@pytest.fixture(scope="module")
def spectacled() -> Portrait:
    """Grace Hopper, mouth closed, glasses (US Navy, public domain)."""
    return analyse(DATA / "grace_hopper.jpg")


@pytest.fixture(scope="module")
def made(smiling: Portrait) -> tuple[Any, dict[str, NDArray[Any]]]:
    return assemble(smiling, "Eileen")


@pytest.fixture(scope="module")
def avatar(made: tuple[Any, dict[str, NDArray[Any]]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rig") / "eileen.imx"
    write_imx(path, *made)
    return path


def landmarks_of(turn: NDArray[np.float64], seed: int, jaw: float) -> NDArray[np.float64]:
    """The 478 points [478, 3] of some head of the model, turned, on the canvas."""
    template = load_template()
    identity = np.random.default_rng(seed).normal(size=len(template.modes)) * 0.8
    head = template.points + np.tensordot(identity, template.modes, 1) + jaw * template.deltas[template.names.index("jawOpen")]
    marks = project(template.at("mediapipe", head @ turn.T))
    return np.concatenate([marks, np.zeros((10, 3))])


@pytest.mark.parametrize("yaw", [-12.0, 0.0, 9.0])
def test_the_fit_finds_pose_and_open_mouth_of_heads_it_can_know(yaw: float) -> None:
    turn = rotation(np.radians([0.0, -yaw, 0.0]))
    found = fit(load_template(), landmarks_of(turn, seed=3, jaw=0.4), {})
    assert found.error < 1.0
    assert found.angles()[0] == pytest.approx(yaw, abs=2.5)
    assert found.expression["jawOpen"] == pytest.approx(0.4, abs=0.15)


def test_the_mesh_lies_on_the_lips_and_eyes_of_the_photo(spectacled: Portrait) -> None:
    template = load_template()
    found = fit(template, spectacled.landmarks, spectacled.blendshapes)
    marks = project(template.at("mediapipe", found.points))[:, :2]
    off = np.linalg.norm(marks - spectacled.landmarks[:468, :2], axis=1)[list(LIPS_AND_EYES)]
    assert off.max() < 0.012 * found.face_width


def test_a_toothy_smile_closes(smiling: Portrait) -> None:
    template = load_template()
    found = fit(template, smiling.landmarks, smiling.blendshapes)
    assert rest.gap(template, found.points).max() > rest.TOUCHING * found.face_width
    closed, kept = rest.rest(template, found)
    assert np.abs(rest.gap(template, closed)).max() < 0.005 * found.face_width
    assert 0 < kept["mouthSmileLeft"] < found.expression["mouthSmileLeft"]


def test_the_rig_can_do_what_a_face_does(avatar: Path) -> None:
    can = checks(avatar)
    assert can["closed"] <= 0.01 and can["jaw"] >= 0.15
    assert can["pucker"] < 0.95 and can["smile"] > 1.05
    assert can["lids"] <= 0.02  # of the open eye
    assert can["holes"] == can["inverted"] == can["background"] == 0  # px


def test_no_skin_turns_over_behind_glasses(spectacled: Portrait, tmp_path: Path) -> None:
    write_imx(tmp_path / "grace.imx", *assemble(spectacled, "Grace"))
    can = checks(tmp_path / "grace.imx")
    assert can["holes"] == can["inverted"] == 0  # px


def test_lips_follow_the_jaw_steadily(avatar: Path) -> None:
    rig = read_rig(read_imx(avatar))
    gaps = [lip_gap(rig, {"jawOpen": step}) for step in np.linspace(0, 1, 6)]
    assert all(b > a + 0.02 for a, b in pairwise(gaps))


def test_every_coefficient_but_the_tongue_changes_the_picture(avatar: Path) -> None:
    renderer = PortraitRenderer(read_rig(read_imx(avatar)))
    neutral = renderer.render(FaceState.from_mapping({})).astype(int)
    for name in ARKIT_NAMES:
        named = {name: 1.0, "jawOpen": 1.0} if name == "mouthClose" else {name: 1.0}
        changed = np.abs(renderer.render(FaceState.from_mapping(named)) - neutral).max(2) > 8
        assert changed.sum() > 40 or name == "tongueOut", name


def test_the_neutral_face_is_the_photo(spectacled: Portrait, tmp_path: Path) -> None:
    path = tmp_path / "grace.imx"
    write_imx(path, *assemble(spectacled, "Grace"))
    frame = PortraitRenderer(read_rig(read_imx(path))).render(FaceState.from_mapping({}))[..., ::-1] / 255
    alpha = spectacled.alpha[..., None]
    plate = np.asarray(Image.fromarray((255 * spectacled.plate).astype(np.uint8)).resize((CANVAS, CANVAS)), np.float64) / 255
    photo = (spectacled.picture * alpha + plate * (1 - alpha)).reshape(512, 2, 512, 2, 3).mean((1, 3))
    middle = slice(130, 400)
    error = ((frame - photo)[middle, middle] ** 2).mean()
    assert 10 * np.log10(1 / error) > 27  # dB


def test_the_same_portrait_gives_the_same_arrays(smiling: Portrait, made: tuple[Any, dict[str, NDArray[Any]]]) -> None:
    manifest, arrays = assemble(smiling, "Eileen")
    assert manifest.to_json() == made[0].to_json() and arrays.keys() == made[1].keys()
    assert all(np.array_equal(arrays[name], made[1][name]) for name in arrays)


def test_the_file_is_small_and_has_every_coefficient_and_gesture(made: tuple[Any, dict[str, NDArray[Any]]], avatar: Path) -> None:
    assert avatar.stat().st_size < 4e6
    assert set(made[0].coefficients) == set(ARKIT_NAMES) - {"tongueOut"}
    clips = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in CLIPS.glob("*.json")}
    assert json.loads(GESTURES.read_text(encoding="utf-8")) == clips, "run training.avatars.shape_library again"
    assert set(made[0].gestures) == set(clips)


def test_closed_eyes_keep_a_line_of_lashes(smiling: Portrait, spectacled: Portrait, avatar: Path, tmp_path: Path) -> None:
    write_imx(tmp_path / "grace.imx", *assemble(spectacled, "Grace"))
    for path in (avatar, tmp_path / "grace.imx"):
        rig = read_rig(read_imx(path))
        screen = posed(rig, FaceState.from_mapping({"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}))
        _, triangle, _ = raster(screen, rig.triangles, *rig.size)
        ribbon = np.flatnonzero(rig.triangles.min(1) >= rig.triangles.max() + 1 - 6 * 13)  # the last rows of the vertices
        seen = np.any(np.isin(triangle, ribbon), axis=0)
        for corners in ((33, 133), (362, 263)):
            at = [(screen[rig.landmark_index[k], 0] * rig.landmark_weight[k]).sum() for k in (rig.landmark[n] for n in corners)]
            inner = seen[int(at[0] + 0.15 * (at[1] - at[0])) : int(at[1] - 0.15 * (at[1] - at[0]))]
            assert inner.mean() > 0.9


def test_where_the_jaw_stands_before_the_background_the_head_turns_less(smiling: Portrait) -> None:
    found = fit(load_template(), smiling.landmarks, smiling.blendshapes)
    assert limits.bare_jaw(smiling)
    assert not limits.bare_jaw(replace(smiling, alpha=np.ones_like(smiling.alpha)))
    free, bare = limits.head(found), limits.head(found, bare=True)
    assert all(bare[name][1] < free[name][1] and bare[name][0] > free[name][0] for name in ("headYaw", "headPitch"))


def test_the_depth_of_the_mouth_is_dark_and_never_black(made: tuple[Any, dict[str, NDArray[Any]]]) -> None:
    assert 0.04 <= made[0].rig["mouth_ambient"] <= 0.16
    assert mouth.ambient(np.zeros(3)) < mouth.ambient(np.full(3, 0.05)) < mouth.ambient(np.ones(3))


def test_lids_close_behind_glasses_whose_frame_stays(smiling: Portrait, spectacled: Portrait) -> None:
    sharp = skin.frame_sharp(spectacled.picture)
    assert glasses.worn(sharp, spectacled.landmarks)
    assert not glasses.worn(skin.frame_sharp(smiling.picture), smiling.landmarks)
    template = load_template()
    fitted = fit(template, spectacled.landmarks, spectacled.blendshapes)
    found = glasses.seen(template, fitted.points, sharp, spectacled.landmarks)
    deltas = template.deltas.copy()
    glasses.behind(found, template, fitted.points, deltas)
    on_frame = skin.sample(found.to_frame, project(fitted.points)[:, :2]) < 0.5
    assert on_frame.sum() > 20
    for name in ("browInnerUp", "browDownLeft", "eyeBlinkLeft", "eyeBlinkRight", "eyeWideLeft", "cheekSquintLeft"):
        row = template.names.index(name)
        assert np.abs(deltas[row, on_frame]).max() < 0.1 * np.abs(deltas[row]).max(), name
    for name, side in (("eyeBlinkLeft", "left"), ("eyeBlinkRight", "right")):
        row = template.names.index(name)
        assert np.allclose(template.at(f"eye_{side}", deltas[row]), template.at(f"eye_{side}", template.deltas[row]), atol=0.5)
    jaw = template.names.index("jawOpen")
    assert np.array_equal(template.at("lips_inner", deltas[jaw]), template.at("lips_inner", template.deltas[jaw]))


def test_a_turned_head_turns_less_to_its_far_side(smiling: Portrait) -> None:
    template = load_template()
    straight = limits.head(fit(template, smiling.landmarks, smiling.blendshapes))
    turned = limits.head(_turned(12.0))
    assert straight["headYaw"][0] <= -10 and straight["headYaw"][1] >= 10
    assert turned["headYaw"][1] < -turned["headYaw"][0]


def _turned(yaw: float) -> Fit:
    return fit(load_template(), landmarks_of(rotation(np.radians([0.0, -yaw, 0.0])), seed=1, jaw=0.0), {})


def test_creases_are_as_dark_as_the_skin_and_not_doubled() -> None:
    names = load_template().names
    row = names.index("mouthSmileLeft")

    def strength(tone: float, already: float) -> float:
        made = residual(names, np.full((ATLAS, ATLAS, 3), tone, np.float32), {"mouthSmileLeft": already})
        values = made["residual"][made["residual_start"][row] : made["residual_start"][row + 1]]
        return float(np.abs(values.astype(float)).max() * made["residual_scale"][row])

    assert strength(0.3, 0.0) == pytest.approx(0.5 * strength(0.6, 0.0), rel=0.02)
    assert strength(0.6, 0.75) == pytest.approx(0.25 * strength(0.6, 0.0), rel=0.05)

"""Avatars of varied faces, from picture to rig: a smile, a turned head with and without glasses, a beard in low light, 256 px."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("ai_edge_litert", reason="the photo builder's extra is not installed")

from benchmarks import faces
from benchmarks.portrait import BOTH, PortraitRenderer, checks, holes, inverted, read_back, save, verdict
from bithuman_core.build.analysis import analyse
from bithuman_core.build.photo.portrait import Portrait
from bithuman_core.build.scene import glasses
from bithuman_core.build.shape.distance import distance_to
from bithuman_core.build.shape.fit import fit
from bithuman_core.build.shape.template import load_template
from bithuman_core.build.skin.skin import frame_sharp
from bithuman_core.face import FaceState
from bithuman_core.render import load_rig

TOGETHER = ({"jawOpen": 0.6, **BOTH("mouthSmile", 0.6)}, {"jawOpen": 1.0, **BOTH("mouthSmile", 1.0)},
            {"jawOpen": 1.0, "mouthFunnel": 1.0}, {"jawOpen": 1.0, "mouthClose": 1.0},
            BOTH("eyeBlink", 1.0) | BOTH("eyeLookDown", 1.0), BOTH("eyeWide", 1.0) | BOTH("eyeLookUp", 1.0))  # fmt: skip
NAMES = ("smile", "turned", "thick_glasses", "low_light", "small")


@pytest.fixture(scope="module")
def portraits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Portrait]:
    folder = tmp_path_factory.mktemp("faces")
    for name in NAMES:
        faces.FACES[name]().save(folder / f"{name}.png")
    return {name: analyse(folder / f"{name}.png") for name in NAMES}


@pytest.fixture(scope="module")
def avatars(portraits: dict[str, Portrait], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("avatars")
    return {name: save(portrait, name, folder) for name, portrait in portraits.items()}


@pytest.mark.parametrize("name", NAMES)
def test_every_face_can_do_what_a_face_does(avatars: dict[str, Path], name: str) -> None:
    can = checks(avatars[name])
    assert can["closed"] <= 0.01 and can["jaw"] >= 0.15
    assert can["pucker"] < 0.95 and can["smile"] > 1.05
    assert can["lids"] <= 0.02  # of the open eye
    assert can["holes"] == can["inverted"] == can["background"] == 0  # px


@pytest.mark.parametrize("name", NAMES)
def test_shapes_that_meet_leave_the_skin_whole(avatars: dict[str, Path], name: str) -> None:
    rig = load_rig(avatars[name])
    for pose in TOGETHER:
        assert holes(rig, pose) == inverted(rig, pose) == 0, pose


def test_lids_close_behind_a_frame_that_stays(portraits: dict[str, Portrait], avatars: dict[str, Path]) -> None:
    portrait = portraits["thick_glasses"]
    worn = {name: glasses.worn(frame_sharp(p.picture), p.landmarks) for name, p in portraits.items()}
    assert [name for name, on in worn.items() if on] == ["thick_glasses"]
    renderer = PortraitRenderer(load_rig(avatars["thick_glasses"]))

    def light(pose: dict[str, float]) -> NDArray[np.float64]:
        return renderer.render(FaceState.from_mapping(pose)).astype(float).mean(2)

    neutral, closed = light({}), light(BOTH("eyeBlink", 1.0))
    pupils, cheek = portrait.landmarks[[468, 473], :2] / 2, portrait.landmarks[50, :2].astype(int) // 2
    y, x = np.mgrid[: len(neutral), : neutral.shape[1]]
    away = np.min([np.hypot(x - px, y - py) for px, py in pupils], axis=0)
    frame = (neutral < 45) & (away > 26) & (away < 42) & (np.abs(x - pupils[:, 0].mean()) < 55)
    assert frame.sum() > 500
    for posed in (closed, light(BOTH("mouthSmile", 1.0) | BOTH("cheekSquint", 1.0)), light({"browInnerUp": 1.0})):
        assert (posed[frame] < 90).mean() > 0.97
    for px, py in pupils.astype(int):
        assert neutral[py, px] < 0.5 * neutral[cheek[1], cheek[0]] < np.median(closed[py - 2 : py + 3, px - 2 : px + 3])


def test_the_way_to_a_frame_is_exact_wherever_it_matters(portraits: dict[str, Portrait]) -> None:
    portrait, template = portraits["thick_glasses"], load_template()
    fitted = fit(template, portrait.landmarks, portrait.blendshapes)
    seen = glasses.seen(template, fitted.points, frame_sharp(portrait.picture), portrait.landmarks)
    given = seen.to_frame
    assert 1000 < (given == 0).sum() < given.size / 10
    exact = distance_to(given == 0)
    near = exact < glasses.CLEAR * seen.eye - 1  # px
    np.testing.assert_array_equal(given[near], exact[near])
    assert given[~near].min() > glasses.CLEAR * seen.eye - 2


def test_an_eye_that_closes_behind_a_thick_frame_looks_closed(avatars: dict[str, Path]) -> None:
    read = read_back(avatars["thick_glasses"])["eyeBlinkLeft"]
    assert verdict("eyeBlinkLeft", read) == "grows"
    assert read[-1]["eyeBlinkLeft"] > 0.5  # MediaPipe's expression net, 0..1


@pytest.mark.parametrize("name", NAMES)
def test_lashes_of_closed_eyes_are_dark_and_soft(portraits: dict[str, Portrait], avatars: dict[str, Path], name: str) -> None:
    landmarks = portraits[name].landmarks[:, :2] / 2
    renderer = PortraitRenderer(load_rig(avatars[name]))
    closed = renderer.render(FaceState.from_mapping(BOTH("eyeBlink", 1.0))).astype(float).mean(2)
    eye = float(np.linalg.norm(landmarks[33] - landmarks[133]))
    for x, y in landmarks[[468, 473]].astype(int):
        columns = closed[y - round(0.3 * eye) : y + round(0.5 * eye), x - 5 : x + 6]
        skin = float(np.median(columns))
        assert columns.min(0).max() < 0.5 * skin  # a line from side to side
        assert np.median(np.abs(np.diff(columns, axis=0)).max(0)) < 0.6 * skin  # that is nowhere cut out of the lid
        line = columns.argmin(0)
        beside = np.array([columns[row - 3, k] for k, row in enumerate(line)])
        assert beside.mean() < 0.9 * columns[0].mean()  # which darkens towards it


def test_the_mouth_of_a_face_in_low_light_is_dark(portraits: dict[str, Portrait], avatars: dict[str, Path]) -> None:
    renderer = PortraitRenderer(load_rig(avatars["low_light"]))
    frame = renderer.render(FaceState.from_mapping({"jawOpen": 0.4})).astype(int).max(2)
    middle, chin = portraits["low_light"].landmarks[[13, 152], :2] / 2
    assert frame[int(middle[1]) : int(chin[1]), int(middle[0]) - 25 : int(middle[0]) + 25].max() < 100

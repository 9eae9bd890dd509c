"""What a viewer relies on: a still background, closed lips, blinks, no pops, the same picture every time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from bithuman_core.face import ARKIT_NAMES, FaceState
from bithuman_core.imx import ImxFile, read_imx
from bithuman_core.render import PortraitRenderer, PortraitRig, load_rig, read_rig
from bithuman_core.render.gpu.device import find_gpu
from bithuman_core.render.gpu.renderer import GpuRenderer
from bithuman_core.render.gpu.together import PortraitsTogether
from bithuman_core.render.pixel_filter import PixelFilter
from bithuman_core.render.texel import EYE, MOUTH, NOTHING, PART_SHIFT
from bithuman_core.settings import models_dir
from tests.render.vulkan import on_a_device

Draws = PortraitRenderer | GpuRenderer
MOVES = [*(name for name in ARKIT_NAMES if name != "tongueOut"), "headYaw", "headPitch", "headRoll"]


@pytest.fixture(scope="module")
def rig() -> PortraitRig:
    return load_rig(models_dir() / "mara.imx")


@pytest.fixture(scope="module")
def renderer(rig: PortraitRig) -> PortraitRenderer:
    return PortraitRenderer(rig)


@pytest.fixture(scope="module")
def device(rig: PortraitRig) -> GpuRenderer:
    return GpuRenderer(PortraitsTogether(find_gpu(software=True), rig))


@pytest.fixture(params=["renderer", pytest.param("device", marks=on_a_device)])
def drawn(request: pytest.FixtureRequest) -> Draws:
    """Whoever draws: what viewers rely on holds for both."""
    return request.getfixturevalue(request.param)


def face(**values: float) -> FaceState:
    return FaceState.from_mapping(values)


def random_face(rng: np.random.Generator) -> FaceState:
    """Up to a dozen coefficients at random and a head anywhere inside the limits of most avatars."""
    out = FaceState()
    chosen = rng.choice(len(ARKIT_NAMES), 12, replace=False)
    out.coefficients[chosen] = rng.uniform(0, 1, 12)
    out.head[:3] = rng.uniform(-1, 1, 3) * (14, 10, 10)
    out.head[3:] = rng.uniform(-0.05, 0.05, 3)
    return out


def parts_seen(renderer: PortraitRenderer) -> NDArray[np.int64]:
    """The part of every sample (two rows a pixel) of the last frame, -1 where the head is not."""
    words = renderer._head.samples(renderer._screen, renderer._uv, renderer._light)
    return np.where(words == NOTHING, -1, (words >> PART_SHIFT).astype(np.int64))


def far_corners(rig: PortraitRig) -> NDArray[np.bool_]:
    """Pixels that hair and shoulders of a portrait never reach: the two upper corners."""
    width, height = rig.size
    mask = np.zeros((height, width), bool)
    mask[: height // 3, : width // 8] = True
    mask[: height // 3, -width // 8 :] = True
    return mask


def test_the_plate_never_moves(rig: PortraitRig, renderer: PortraitRenderer) -> None:
    rng = np.random.default_rng(1)
    corners = far_corners(rig)
    plate = rig.plate.copy()
    PixelFilter(rig.pixel_filter, rig.size[0]).apply(plate)
    for _ in range(12):
        frame = renderer.render(random_face(rng))
        parts = parts_seen(renderer)
        back = renderer._back.samples(renderer._back_screen, renderer._back_uv, renderer._full_light)
        uncovered = (back == NOTHING) & (parts[::2] < 0) & (parts[1::2] < 0)
        assert uncovered[corners].all()
        uncovered[rig.still.top :] &= rig.still.picture[..., 3] == 0
        alone = ndimage.binary_erosion(uncovered, np.ones((3, 3)), border_value=1)  # no neighbour is another's
        assert alone[corners].sum() > 0.9 * corners.sum()
        np.testing.assert_array_equal(frame[alone], plate[alone])


def test_the_shoulders_do_not_turn_with_the_head(drawn: Draws) -> None:
    still, turned = drawn.render(face()), drawn.render(face(headYaw=12, headPitch=6, headRoll=8))
    rows = slice(-30, None)
    for columns in (slice(0, 60), slice(-60, None)):
        assert np.abs(still[rows, columns].astype(int) - turned[rows, columns]).max() <= 2


@pytest.mark.parametrize(
    "closed",
    [
        {},
        {"mouthPressLeft": 0.5, "mouthPressRight": 0.5, "mouthRollLower": 0.3, "mouthRollUpper": 0.2},
        {"jawOpen": 0.15, "mouthClose": 0.15},
        {"mouthSmileLeft": 0.5, "mouthSmileRight": 0.5},
    ],
)
def test_closed_lips_show_no_mouth_inside(renderer: PortraitRenderer, closed: dict[str, float]) -> None:
    renderer.render(face(**closed))
    assert (parts_seen(renderer) == MOUTH).sum() < 20  # of half a million samples; the open mouth shows thousands
    renderer.render(face(jawOpen=0.4))
    assert (parts_seen(renderer) == MOUTH).sum() > 1000


def test_an_opening_jaw_opens_the_lips_more_and_more(rig: PortraitRig) -> None:
    gaps = [rig.measure(face(jawOpen=v)).gap for v in np.linspace(0, 1, 11)]
    assert np.all(np.diff(gaps) > 0)
    assert gaps[0] < 0.02 and gaps[-1] > 0.2


def test_the_measure_is_about_the_face_and_not_about_the_view(rig: PortraitRig) -> None:
    still, turned = rig.measure(face(jawOpen=0.3)), rig.measure(face(jawOpen=0.3, headRoll=9, headX=0.05, headZ=0.1))
    assert turned.gap == pytest.approx(still.gap, rel=0.03)
    assert turned.width == pytest.approx(still.width, rel=0.03)
    wide = rig.measure(face(mouthStretchLeft=1, mouthStretchRight=1))
    assert rig.measure(face(mouthPucker=0.8)).width < still.width < wide.width


def test_a_blink_hides_the_eyeballs(renderer: PortraitRenderer) -> None:
    renderer.render(face())
    open_eyes = (parts_seen(renderer) == EYE).sum()
    seen = []
    for amount in (0.25, 0.5, 0.75, 1.0):
        renderer.render(face(eyeBlinkLeft=amount, eyeBlinkRight=amount))
        seen.append((parts_seen(renderer) == EYE).sum())
    assert np.all(np.diff([open_eyes, *seen]) <= 0)
    assert seen[-1] < 0.02 * open_eyes


def test_the_gaze_moves_the_iris_the_right_way(renderer: PortraitRenderer, drawn: Draws) -> None:
    def dark_column(values: FaceState) -> float:
        frame = drawn.render(values)
        renderer.render(values)  # which knows where the eye is
        eye = (parts_seen(renderer)[::2] == EYE) & (np.arange(frame.shape[1]) > frame.shape[1] / 2)  # image right
        darkness = np.where(eye, 255.0 - frame.mean(2), 0.0) ** 4
        return float((darkness * np.arange(frame.shape[1])).sum() / darkness.sum())

    # The eye at image right is the character's left: looking out is looking to image right.
    assert dark_column(face(eyeLookInLeft=0.6)) + 4 < dark_column(face()) < dark_column(face(eyeLookOutLeft=0.6)) - 4


def test_the_same_face_gives_the_same_frame_whatever_came_before(rig: PortraitRig, drawn: Draws) -> None:
    rng = np.random.default_rng(2)
    wanted = random_face(rng)
    first = drawn.render(wanted)
    for _ in range(3):
        drawn.render(random_face(rng))
    np.testing.assert_array_equal(drawn.render(wanted), first)
    if isinstance(drawn, PortraitRenderer):
        np.testing.assert_array_equal(PortraitRenderer(rig).render(wanted), first)


def test_two_renderers_on_one_rig_do_not_disturb_each_other(rig: PortraitRig) -> None:
    rng = np.random.default_rng(3)
    faces = [random_face(rng) for _ in range(4)]
    alone = [PortraitRenderer(rig).render(f) for f in faces]
    a, b = PortraitRenderer(rig), PortraitRenderer(rig)
    for k in range(2):
        np.testing.assert_array_equal(a.render(faces[k]), alone[k])
        np.testing.assert_array_equal(b.render(faces[k + 2]), alone[k + 2])


@pytest.mark.parametrize("name", MOVES)
def test_a_small_change_of_the_face_is_a_small_change_of_the_picture(renderer: PortraitRenderer, name: str) -> None:
    check_small_changes(renderer, name)


@on_a_device
@pytest.mark.parametrize(
    "name",  # one shader moves all of them
    [name if k % 6 == 0 else pytest.param(name, marks=pytest.mark.device_long) for k, name in enumerate(MOVES)],
)
def test_a_small_change_is_small_on_a_device(device: GpuRenderer, name: str) -> None:
    check_small_changes(device, name)


def check_small_changes(drawn: Draws, name: str) -> None:
    whole = 10.0 if name.startswith("head") else 1.0
    base = {"jawOpen": 1.0} if name == "mouthClose" else {}  # which does nothing over a closed jaw
    frames = [drawn.render(face(**{**base, name: whole * v})).astype(np.int16) for v in np.linspace(0, 1, 21)]
    steps = np.array([np.abs(b - a).mean() for a, b in pairwise(frames)])
    assert steps.max() > 0, "nothing moves"
    assert steps.max() < 4 * np.median(steps) + 0.05, "a pop"


def test_frames_go_into_the_array_that_is_given(renderer: PortraitRenderer) -> None:
    out = np.zeros((512, 512, 3), np.uint8)
    assert renderer.render(face(jawOpen=0.2), out) is out
    np.testing.assert_array_equal(out, renderer.render(face(jawOpen=0.2)))
    fresh = renderer.render(face())
    assert renderer.render(face(jawOpen=1.0)) is not fresh
    with pytest.raises(ValueError, match="contiguous uint8"):
        renderer.render(face(), np.zeros((256, 256, 3), np.uint8))


def test_values_out_of_range_are_clamped_and_nan_is_an_error_that_names_it(rig: PortraitRig, drawn: Draws) -> None:
    np.testing.assert_array_equal(drawn.render(face(jawOpen=7.0, mouthPucker=-3.0)), drawn.render(face(jawOpen=1.0)))
    yaw = rig.limits()["headYaw"][1]
    far, farther = drawn.render(face(headYaw=50 * yaw)), drawn.render(face(headYaw=500 * yaw))
    np.testing.assert_array_equal(far, farther)
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="mouthFunnel"):
            drawn.render(face(mouthFunnel=bad))


def test_mouth_close_never_pushes_the_lips_through_each_other(drawn: Draws) -> None:
    np.testing.assert_array_equal(drawn.render(face(mouthClose=0.8)), drawn.render(face()))
    closed = drawn.render(face(jawOpen=0.2, mouthClose=0.2))
    np.testing.assert_array_equal(drawn.render(face(jawOpen=0.2, mouthClose=0.9)), closed)


def test_head_poses_inside_the_limits_are_followed_exactly(rig: PortraitRig) -> None:
    for name, unit in (("headYaw", np.pi / 180), ("headRoll", np.pi / 180), ("headX", rig.face_width)):
        low, high = rig.limits()[name]
        column = ["headYaw", "headPitch", "headRoll", "headX"].index(name)
        for share in (-0.7, -0.3, 0.4, 0.7):
            value = share * (high if share > 0 else -low)
            assert rig.head(face(**{name: value}))[column] == pytest.approx(value * unit, rel=1e-5)
        eased = [rig.head(face(**{name: v}))[column] for v in np.linspace(0, 3 * high, 40)]
        assert np.all(np.diff(eased) > 0)
        assert eased[-1] <= high * unit * (1 + 1e-6)


def test_breath_lifts_the_shoulders_and_nothing_else(rig: PortraitRig, renderer: PortraitRenderer, drawn: Draws) -> None:
    height = rig.size[1]
    frames = [drawn.render(face(breath=v)).astype(np.int16) for v in (0, 0.25, 0.5, 0.75, 1)]
    moved = np.abs(frames[-1] - frames[0]).max(2)
    assert moved[: height // 2].max() <= 2, "the head moves"
    background = ~(moved_by_any_head(rig, renderer) | still_figure(rig))
    assert moved[background].max() == 0, "the background moves"
    # The outline of the shoulder at the left edge rises by 1.5 px of a 512 px frame, steadily and never in jumps.
    columns = slice(20, 60)
    steps = [np.abs(b - a)[-height // 5 :, columns].mean() for a, b in pairwise(frames)]
    assert min(steps) > 0.2 * max(steps) > 0
    np.testing.assert_array_equal(drawn.render(face(breath=1)), drawn.render(face(breath=9)))


def test_an_avatar_without_some_coefficients_still_plays() -> None:
    avatar = read_imx(models_dir() / "mara.imx")
    left_out = set(ARKIT_NAMES[::3])
    kept = [k for k, name in enumerate(avatar.manifest.coefficients) if name not in left_out]
    names = tuple(avatar.manifest.coefficients[k] for k in kept)
    arrays = dict(avatar.arrays)
    rows = kept + list(range(len(avatar.manifest.coefficients), len(arrays["residual_scale"])))  # correctives stay
    arrays |= cut("shape_start", ["shape_index", "shape_delta"], arrays, kept)
    for part in ("residual", "detail"):
        arrays |= cut(f"{part}_start", [part], arrays, rows)
        arrays |= {f"{part}_{name}": arrays[f"{part}_{name}"][rows] for name in ("box", "scale")}
    fewer = PortraitRenderer(read_rig(ImxFile(replace(avatar.manifest, coefficients=names), arrays)))
    for name in ARKIT_NAMES:
        frame = fewer.render(face(**{name: 1.0}))
        if name in left_out and not name.startswith("eye"):  # eyeballs turn by themselves
            np.testing.assert_array_equal(frame, fewer.render(face()))
    spoken = face(**dict.fromkeys(names, 0.7))
    np.testing.assert_array_equal(fewer.render(spoken), PortraitRenderer(load_rig(models_dir() / "mara.imx")).render(spoken))


def cut(start: str, values: list[str], arrays: dict[str, NDArray[Any]], rows: list[int]) -> dict[str, NDArray[Any]]:
    """Ragged arrays with some of their rows alone."""
    bounds = arrays[start].astype(np.int64)
    pieces = [slice(bounds[row], bounds[row + 1]) for row in rows]
    lengths = [piece.stop - piece.start for piece in pieces]
    out: dict[str, NDArray[Any]] = {start: np.concatenate([[0], np.cumsum(lengths)]).astype(np.uint32)}
    return out | {name: np.concatenate([arrays[name][piece] for piece in pieces]) for name in values}


def still_figure(rig: PortraitRig) -> NDArray[np.bool_]:
    """Pixels within 3 px of the part of the figure that does not follow the head."""
    mask = np.zeros(rig.size[::-1], bool)
    mask[rig.still.top :] = rig.still.picture[..., 3] > 0
    for axis in (0, 1):
        mask = np.any([np.roll(mask, k, axis) for k in range(-3, 4)], axis=0)
    return mask


def moved_by_any_head(rig: PortraitRig, renderer: PortraitRenderer) -> NDArray[np.bool_]:
    """Pixels that the head or the moving part of the backdrop reach with full lungs."""
    renderer.render(face(breath=1))
    seen = parts_seen(renderer) >= 0
    back = renderer._back.samples(renderer._back_screen, renderer._back_uv, renderer._full_light) != NOTHING
    mask = seen[::2] | seen[1::2] | back
    for axis in (0, 1):
        mask = np.any([np.roll(mask, k, axis) for k in range(-3, 4)], axis=0)
    return mask


def test_a_frame_of_twice_the_side_shows_the_same_face(rig: PortraitRig, renderer: PortraitRenderer) -> None:
    large = PortraitRenderer(load_rig(models_dir() / "mara.imx", 1024))
    rng = np.random.default_rng(4)
    for values in (face(), face(jawOpen=0.4, headYaw=8, breath=0.6), random_face(rng)):
        frame = large.render(values)
        assert frame.shape == (1024, 1024, 3)
        small = frame.reshape(512, 2, 512, 2, 3).mean((1, 3))
        gap = np.abs(small - renderer.render(values))
        assert gap.mean() < 1.0 and np.percentile(gap, 99) < 12
    with pytest.raises(ValueError, match="512 or 1024"):
        load_rig(models_dir() / "mara.imx", 700)

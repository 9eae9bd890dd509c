"""Nothing pops, tears or flickers between the poses: every value of every shipped avatar is swept over its range."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from bithuman_core.face import ARKIT_NAMES, BREATH, HEAD_NAMES, FaceState
from bithuman_core.render import PortraitRenderer, load_rig
from bithuman_core.render.gpu.device import find_gpu
from bithuman_core.render.gpu.renderer import GpuRenderer
from bithuman_core.render.gpu.together import PortraitsTogether
from bithuman_core.settings import models_dir
from tests.render.vulkan import on_a_device

DEVICE = "mara on a device"  # drawn by a graphics processor
AVATARS = ("mara", "theo", "erik", pytest.param(DEVICE, marks=on_a_device))
STEPS = 4
BLOCK = 16  # px: the change of a step is that of the block of the picture that changes most
HALVINGS = 9  # every step is halved so often, always in the half that changes more: there a pop would hide
LEAST = 3.5  # levels: less is rounding
UNEVEN = 6.0  # the largest step of a sweep against its median
# what goes together wrongly first: an open jaw with other mouths, lids over turned eyes, all of it on a turned head
PAIRS = (
    ("jawOpen", {"mouthPucker": 1.0}), ("jawOpen", {"mouthFunnel": 1.0}),
    ("jawOpen", {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}), ("jawOpen", {"headYaw": 15.0}),
    ("mouthClose", {"jawOpen": 0.5}), ("eyeBlink", {"eyeLookDownLeft": 1.0, "eyeLookDownRight": 1.0}),
    ("eyeBlink", {"eyeLookUpLeft": 1.0, "eyeLookUpRight": 1.0}), ("eyeBlink", {"eyeLookInLeft": 1.0, "eyeLookOutRight": 1.0}),
)  # fmt: skip

Frame = NDArray[np.int16]
SINGLE = sorted({name.removesuffix("Left").removesuffix("Right") for name in ARKIT_NAMES})


@cache
def renderer(avatar: str) -> PortraitRenderer | GpuRenderer:
    rig = load_rig(models_dir() / f"{avatar.split()[0]}.imx")
    return GpuRenderer(PortraitsTogether(find_gpu(software=True), rig)) if avatar == DEVICE else PortraitRenderer(rig)


def named(name: str, value: float) -> dict[str, float]:
    """A value by name; both sides where the name is that of a pair."""
    whole = name in ARKIT_NAMES or name in HEAD_NAMES or name == BREATH
    return {name: value} if whole else {name + side: value for side in ("Left", "Right") if name + side in ARKIT_NAMES}


def change(a: Frame, b: Frame) -> float:
    """Mean change in levels of the block that changes most."""
    difference = np.abs(a - b)
    height, width = difference.shape
    return float(difference.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK).mean(axis=(1, 3)).max())


def remains(show: Callable[[float], Frame], a: float, b: float, before: Frame, after: Frame) -> float:
    """What is left of the change between two values when the step is halved again and again, where it changes more."""
    left = change(before, after)
    for _ in range(HALVINGS):
        if left < LEAST:
            break
        middle = show((a + b) / 2)
        first, second = change(before, middle), change(middle, after)
        if first > second:
            b, after, left = (a + b) / 2, middle, first
        else:
            a, before, left = (a + b) / 2, middle, second
    return left


def jolt(show: Callable[[float], Frame], low: float, high: float) -> tuple[float, float]:
    """(largest step of the sweep over its median step; the most that is left of a step when it is halved)."""
    values = np.linspace(low, high, STEPS + 1).tolist()
    frames = [show(value) for value in values]
    steps = [(a, b, before, after) for (a, b), (before, after) in zip(pairwise(values), pairwise(frames), strict=True)]
    changes = [change(before, after) for _, _, before, after in steps]
    return max(changes) / max(float(np.median(changes)), LEAST), max(remains(show, *step) for step in steps)


def check(avatar: str, name: str, low: float, high: float, others: dict[str, float]) -> None:
    def show(value: float) -> Frame:
        face = FaceState.from_mapping({**others, **named(name, value)})
        return renderer(avatar).render(face)[..., 1].astype(np.int16)  # green stands for all three

    uneven, left = jolt(show, low, high)
    assert uneven < UNEVEN, f"{name} with {others}: one step changes {uneven:.1f} times as much as the others"
    assert left < LEAST, f"{name} with {others}: {left:.1f} levels pop within 1/{STEPS * 2**HALVINGS} of its range"


@pytest.mark.parametrize(
    ("avatar", "name"),
    [
        *((avatar, name) for avatar in ("mara", "theo", "erik") for name in (*SINGLE, BREATH)),
        # one shader moves all of them
        *(pytest.param(DEVICE, name, marks=on_a_device) for name in (*SINGLE[::5], BREATH)),
        *(pytest.param(DEVICE, name, marks=[on_a_device, pytest.mark.device_long]) for k, name in enumerate(SINGLE) if k % 5),
    ],
)
def test_coefficients_move_the_picture_smoothly(avatar: str, name: str) -> None:
    check(avatar, name, 0.0, 1.0, {})


@pytest.mark.parametrize("avatar", AVATARS)
@pytest.mark.parametrize("name", HEAD_NAMES)
def test_the_head_moves_smoothly_up_to_its_limits(avatar: str, name: str) -> None:
    low, high = renderer(avatar).rig.limits()[name]
    check(avatar, name, low, high, {})


@pytest.mark.parametrize("avatar", AVATARS)
@pytest.mark.parametrize(("name", "others"), PAIRS)
def test_pairs_that_meet_move_smoothly(avatar: str, name: str, others: dict[str, float]) -> None:
    check(avatar, name, 0.0, 1.0, others)


def test_a_pop_would_be_found() -> None:
    """The measure itself: a picture that fades passes, one in which a small patch appears at once does not."""

    def fades(value: float) -> Frame:
        return np.full((64, 64), round(200 * value), np.int16)

    def pops(value: float) -> Frame:
        frame = fades(value)
        frame[20:26, 20:40] += 60 * (value > 0.377)
        return frame

    assert jolt(fades, 0.0, 1.0)[1] < LEAST < jolt(pops, 0.0, 1.0)[1]


@pytest.mark.parametrize("avatar", AVATARS)
def test_a_face_gives_the_same_picture_whatever_came_before(avatar: str) -> None:
    face = FaceState.from_mapping({"jawOpen": 0.3, "eyeBlinkLeft": 0.4, "headYaw": 7.0, "mouthSmileLeft": 0.5, BREATH: 0.6})
    first = renderer(avatar).render(face)
    for name in ("jawOpen", "headRoll", "eyeBlinkRight", BREATH):
        renderer(avatar).render(FaceState.from_mapping({name: 1.0}))
    np.testing.assert_array_equal(renderer(avatar).render(face), first)

"""Backgrounds of a running avatar: whole frames before and after, also across a change of the avatar, and refusals that change
nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bithuman_core import AsyncBithuman, Bithuman, Fixture
from bithuman_core.engine import FADE_TICKS
from bithuman_core.errors import BackgroundError
from tests.kinds import each_kind
from tests.simulated import SimulatedClock

GREEN = (0, 255, 0)
CORNER = 2, 2


@pytest.fixture
async def runtime(fixture: Fixture) -> AsyncIterator[AsyncBithuman]:
    async with AsyncBithuman(fixture, clock=SimulatedClock()) as made:
        yield made


@each_kind
async def test_each_frame_has_one_background_and_the_next_one_the_other(runtime: AsyncBithuman, fixture: Fixture) -> None:
    asked = ["#00ff00", "transparent", "photo"]
    own = runtime.get_first_frame()
    seen = []
    async for frame in runtime.run():
        assert frame.bgr_image is not None and frame.bgra_image is not None
        seen.append((tuple(frame.bgr_image[CORNER]), frame.bgra_image[CORNER][3], frame.alpha is None))
        if len(seen) % 2 == 0:
            if not asked:
                break
            await runtime.set_background(asked.pop(0))
    corner = tuple(own[CORNER])
    assert seen[:4] == [(corner, 255, True)] * 2 + [(GREEN, 255, True)] * 2
    assert seen[4:6] == [((0, 0, 0), 0, False)] * 2
    assert seen[6][0] == corner and seen[7][2]


async def test_a_background_stays_when_the_avatar_changes(runtime: AsyncBithuman) -> None:
    await runtime.set_background("#00ff00")
    assert tuple(runtime.get_first_frame()[CORNER]) == GREEN
    await runtime.set_model("theo")
    frames = [frame async for frame, _ in _numbered(runtime, FADE_TICKS + 2)]
    assert all(np.abs(frame[CORNER].astype(int) - GREEN).max() <= 1 for frame in frames)
    assert np.abs(frames[0].astype(int) - frames[-1]).mean() > 2  # it has become somebody else


async def _numbered(runtime: AsyncBithuman, count: int) -> AsyncIterator[tuple[NDArray[np.uint8], int]]:
    k = 0
    async for frame in runtime.run():
        assert frame.bgr_image is not None
        yield frame.bgr_image, k
        k += 1
        if k == count:
            break


@pytest.mark.parametrize("wrong", ["#12", "nothing like this", 5])
async def test_a_refused_background_changes_nothing(runtime: AsyncBithuman, wrong: object) -> None:
    await runtime.set_background("#00ff00")
    with pytest.raises(BackgroundError):
        await runtime.set_background(wrong)  # type: ignore[arg-type]
    assert tuple(runtime.get_first_frame()[CORNER]) == GREEN


def test_the_other_runtime_does_the_same(fixture: Fixture, tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), (200, 10, 90)).save(tmp_path / "room.png")
    with Bithuman(fixture) as runtime:
        runtime.set_background(tmp_path / "room.png")
        assert tuple(runtime.get_first_frame()[CORNER]) == (90, 10, 200)
        composed = next(runtime.compose(np.zeros(640, np.int16)))
        assert tuple(composed.bgr[CORNER]) == (90, 10, 200) and composed.alpha is None
        runtime.set_background("transparent")
        composed = next(runtime.compose(np.zeros(640, np.int16)))
        assert composed.alpha is not None and composed.alpha[CORNER] == 0


@pytest.mark.parametrize("size", [(256, 256), (200, 400), 700])
def test_a_cut_out_of_another_size_is_clear_around(fixture: Fixture, size: int | tuple[int, int]) -> None:
    with Bithuman(fixture, output_size=size) as runtime:
        runtime.set_background("transparent")
        frame = next(iter(runtime.run()))
        assert frame.bgra_image is not None and frame.alpha is not None and frame.bgr_image is not None
        assert frame.bgra_image.shape[1::-1] == runtime.get_frame_size()
        assert frame.alpha[0].max() == 0 and frame.alpha.max() == 255
        assert (frame.bgr_image.max(2) <= frame.alpha.astype(int) + 3).all()

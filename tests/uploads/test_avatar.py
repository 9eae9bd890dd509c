"""Avatars of strangers: what is too heavy is refused with figures, in bounded time, while others are answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.imx_parts import Parts, encoded
from bithuman_core.errors import ModelError, ModelSecurityError
from bithuman_core.face import FaceState
from bithuman_core.imx import read_imx
from bithuman_core.intake.allowance import AVATAR
from bithuman_core.intake.pool import ReadingPool, unheard
from bithuman_core.settings import models_dir
from bithuman_core.uploads import avatar_limits, check_avatar, reading_pool
from bithuman_core.uploads.avatar import trial
from bithuman_core.uploads.avatar_limits import PIXELS, PORTRAIT, SIDE, TICK_MS, check_counts, check_tick

AVATARS = ("mara", "theo", "erik")
Change = Callable[[Parts], object]


@pytest.fixture(scope="module")
def pool() -> Iterator[ReadingPool]:
    made = reading_pool()
    yield made
    made.close()


def triangles(count: int, size: float) -> Change:
    """So many triangles in front of the face, each of ``size`` px."""

    def change(parts: Parts) -> None:
        vertices = parts.arrays["vertices"].copy()
        vertices[:3] = [(-size, -size, -300), (size, -size, -300), (0, size, -300)]
        parts.arrays["vertices"] = vertices
        parts.arrays["triangles"] = np.tile(np.array([[0, 1, 2]], np.uint16), (count, 1))
        parts.arrays["part"] = np.zeros(count, np.uint8)

    return change


def canvas(side: int) -> Change:
    def change(parts: Parts) -> None:
        parts.manifest["canvas"] = [side, side]
        parts.manifest["rig"] |= {"sample_canvas": 2 * side}
        parts.arrays["plate"] = encoded(Image.new("RGB", (side, side)), "WEBP")

    return change


def far_below(parts: Parts) -> None:
    """A still triangle whose lower edge lies far below the picture."""
    vertices = parts.arrays["backdrop_vertices"].copy()
    vertices[:, 1] *= np.float32(100)
    parts.arrays["backdrop_vertices"] = vertices
    parts.arrays["backdrop_weight"] = np.zeros_like(parts.arrays["backdrop_weight"])


def many_rows(name: str, count: int) -> Change:
    def change(parts: Parts) -> None:
        array = parts.arrays[name]
        parts.arrays[name] = np.resize(array, (count, *array.shape[1:]))

    return change


def picture(side: int) -> Change:
    def change(parts: Parts) -> None:
        parts.arrays["texture"] = encoded(Image.new("RGBA", (side, side)))

    return change


def made(folder: Path, change: Change) -> Path:
    parts = Parts.of(models_dir() / "mara.imx")
    change(parts)
    path = folder / "heavy.imx"
    path.write_bytes(parts.to_bytes())
    return path


@pytest.mark.parametrize("name", AVATARS)
def test_the_shipped_ones_are_far_inside(pool: ReadingPool, name: str) -> None:
    file = read_imx(models_dir() / f"{name}.imx")
    check_counts(file)
    assert all(3.5 * len(file.array(array)) < most for array, (_, most) in PORTRAIT.items())
    cost = pool.run(trial, AVATAR, path=str(models_dir() / f"{name}.imx"), face=[0.0] * FaceState().values.size)[0]["tick_ms"]
    assert cost < TICK_MS


HEAVY: dict[str, tuple[Change, str]] = {
    "ten thousand large triangles": (triangles(10_000, 450), "triangles cover more than 64 frames"),
    "as many as are taken, as large as an eye": (triangles(PORTRAIT["triangles"][1], 30), "triangles cover more than 64 frames"),
    "more triangles than are taken": (triangles(PORTRAIT["triangles"][1] + 1, 1), "has 32,001 triangles, and 32,000 are taken"),
    "a canvas of 4096 px": (canvas(4096), f"frames of 4096 x 4096 px, and {SIDE} px a side are taken"),
    "a still backdrop that reaches far down": (far_below, "behind its camera|cover more|numbers that are not"),
    "many vertices": (many_rows("vertices", PORTRAIT["vertices"][1] + 1), "20,001 vertices, and 20,000"),
    "many rows of shapes": (many_rows("shape_index", PORTRAIT["shape_index"][1] + 1), "280,001 rows of its shapes, and 280,000"),
    "many bytes of residuals": (many_rows("residual", PORTRAIT["residual"][1] + 1), "bytes of its texture residuals"),
    "a large picture": (picture(2400), f"pixels in its pictures, and {PIXELS:,} are taken"),
}  # fmt: skip


@pytest.mark.parametrize("name", HEAVY)
async def test_a_heavy_one_is_refused_while_others_are_answered(pool: ReadingPool, tmp_path: Path, name: str) -> None:
    change, says = HEAVY[name]
    path = made(tmp_path, change)
    begin = time.monotonic()
    heavy = asyncio.create_task(check_avatar(pool, path, "mallory"))
    picture = await check_avatar(pool, models_dir() / "theo.imx", "alice")
    assert picture.startswith(b"RIFF")
    with pytest.raises(ModelSecurityError if "numbers" not in says else ModelError, match=says):
        await heavy
    assert time.monotonic() - begin < AVATAR.wait


def test_one_that_is_slow_to_draw_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avatar_limits, "TICK_MS", 0.01)
    with pytest.raises(ModelSecurityError, match="ms to draw one frame, and 0 ms are taken here"):
        trial(unheard, str(models_dir() / "mara.imx"), [0.0] * FaceState().values.size)


def test_the_sentence_has_measure_and_limit() -> None:
    check_tick(TICK_MS)
    with pytest.raises(ModelSecurityError, match="takes 41 ms to draw one frame, and 40 ms are taken here"):
        check_tick(TICK_MS + 1)


async def test_the_picture_shows_the_face_that_was_asked_for(pool: ReadingPool) -> None:
    calm, smiling = FaceState(), FaceState.from_mapping({"jawOpen": 0.6})
    path = models_dir() / "mara.imx"
    pictures: list[Any] = [await check_avatar(pool, path, "alice", face) for face in (calm, smiling, calm)]
    assert pictures[0] == pictures[2] != pictures[1]

"""Pictures of strangers that are to stand behind an avatar: read elsewhere, within their allowance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bithuman_core.background.picture import read_picture
from bithuman_core.errors import BackgroundError
from bithuman_core.intake.pool import ReadingPool
from bithuman_core.uploads import read_background, reading_pool
from tests.background.test_choice import header


@pytest.fixture(scope="module")
def pool() -> Iterator[ReadingPool]:
    made = reading_pool()
    yield made
    made.close()


async def test_a_picture_is_what_it_is_without_the_detour(pool: ReadingPool, tmp_path: Path) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (90, 120, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "room.webp")
    there = (await read_background(pool, tmp_path / "room.webp", "alice")).picture
    assert there is not None and (there == read_picture(tmp_path / "room.webp")).all()


async def test_the_largest_picture_that_is_taken_fits_its_allowance(pool: ReadingPool, tmp_path: Path) -> None:
    Image.new("RGBA", (8000, 5000), (9, 9, 9, 128)).save(tmp_path / "wall.png", compress_level=1)
    picture = (await read_background(pool, tmp_path / "wall.png", "alice")).picture
    assert picture is not None and picture.shape == (1350, 2160, 3)


@pytest.mark.parametrize("content", [header(9000, 9000), header(60000, 60000), b"<svg/>", b""])
async def test_what_cannot_be_used_is_refused(pool: ReadingPool, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bomb.png").write_bytes(content)
    with pytest.raises(BackgroundError) as refused:
        await read_background(pool, tmp_path / "bomb.png", "mallory")
    assert str(tmp_path) not in refused.value.message

"""Recorded motion of strangers: what it is elsewhere is what it is here, and what is wrong with it says its name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bithuman_core.errors import IntakeError, MotionError
from bithuman_core.intake.pool import ReadingPool
from bithuman_core.motion.take import read_take
from bithuman_core.uploads import read_motion, reading_pool
from tests.motion.test_take import ramp, recorded
from tests.uploads.test_sound import linux


@pytest.fixture(scope="module")
def pool() -> Iterator[ReadingPool]:
    made = reading_pool()
    yield made
    made.close()


async def test_a_take_is_what_it_is_without_the_detour(pool: ReadingPool, tmp_path: Path) -> None:
    (tmp_path / "take.csv").write_text(recorded(200, JawOpen=ramp(200), BrowInnerUp=ramp(200)))
    there, here = await read_motion(pool, tmp_path / "take.csv", 60, "alice"), read_take(tmp_path / "take.csv")
    assert np.array_equal(there.values, here.values) and np.array_equal(there.driven, here.driven)


async def test_what_is_none_or_lasts_too_long_is_refused_by_its_name(pool: ReadingPool, tmp_path: Path) -> None:
    (tmp_path / "long.csv").write_text(recorded(200, JawOpen=ramp(200)))
    with pytest.raises(MotionError, match=r"'my take\.csv' is no usable motion: it lasts 3 s, and 1 s are taken"):
        await read_motion(pool, tmp_path / "long.csv", 1.0, "alice", "my take.csv")
    with pytest.raises(MotionError, match="check the path") as refused:
        await read_motion(pool, tmp_path / "none.csv", 1.0, "alice")
    assert str(tmp_path) not in refused.value.message


@linux
async def test_a_document_that_grows_ends_alone(pool: ReadingPool, tmp_path: Path) -> None:
    """Millions of empty lists: some thirty times its size in memory."""
    (tmp_path / "bomb.json").write_text('{"names": [' + "[]," * 10_000_000 + "[]]}")
    with pytest.raises((IntakeError, MotionError)):
        await read_motion(pool, tmp_path / "bomb.json", 60, "mallory")
    (tmp_path / "take.csv").write_text(recorded(100, JawOpen=ramp(100)))
    assert len(await read_motion(pool, tmp_path / "take.csv", 60, "alice")) == 41

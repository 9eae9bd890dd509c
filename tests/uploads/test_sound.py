"""Sounds of strangers: what is no sound, waits or grows is refused, while others are answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bithuman_core.audio import float32_to_int16, load_audio
from bithuman_core.errors import AudioError
from bithuman_core.intake.allowance import SOUND
from bithuman_core.intake.pool import ReadingPool
from bithuman_core.settings import speech_clip
from bithuman_core.timing import SAMPLE_RATE
from bithuman_core.uploads import read_sound, reading_pool
from bithuman_core.uploads.sound import sound
from tests.intake.test_door import QUICK, bomb, playlists, with_cover

linux = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is limited and counted on Linux")


@pytest.fixture(scope="module")
def pool() -> Iterator[ReadingPool]:
    made = reading_pool()
    made.run(sound, SOUND, path=str(speech_clip()), longest=60, name="x")  # it is there, and warm
    yield made
    made.close()


async def test_a_sound_is_what_it_is_without_the_detour(pool: ReadingPool) -> None:
    samples, _ = load_audio(speech_clip(), SAMPLE_RATE)
    there = await read_sound(pool, speech_clip(), 60, "alice")
    assert abs(there.size - samples.size) < 10
    size = min(there.size, samples.size)
    assert np.abs(there[:size].astype(int) - float32_to_int16(samples[:size])).mean() < 60


async def test_every_playlist_is_refused_and_nobody_waits(pool: ReadingPool, tmp_path: Path) -> None:
    begin = time.monotonic()
    for name, text in playlists(speech_clip()).items():
        (tmp_path / name).write_text(text)
        reading = asyncio.create_task(read_sound(pool, tmp_path / name, 60, "mallory"))
        assert (await read_sound(pool, speech_clip(), 60, "alice")).size > SAMPLE_RATE
        with pytest.raises(AudioError, match=name):
            await reading
    assert time.monotonic() - begin < QUICK * len(playlists(speech_clip()))


async def test_a_sound_that_lasts_too_long_is_refused_by_its_name(pool: ReadingPool) -> None:
    with pytest.raises(AudioError, match=r"'my words\.wav' is longer than the 0 minutes"):
        await read_sound(pool, speech_clip(), 1.0, "alice", "my words.wav")


@linux
async def test_a_cover_of_hundreds_of_megabytes_costs_nothing(pool: ReadingPool, tmp_path: Path) -> None:
    side = 6000
    (tmp_path / "song.mp3").write_bytes(with_cover(bomb(side)))
    before = peaks(pool)
    assert (await read_sound(pool, tmp_path / "song.mp3", 60, "alice")).size > SAMPLE_RATE / 2
    assert peaks(pool) - before < side * side  # of 8 bytes each


def peaks(pool: ReadingPool) -> int:
    """The most memory that its processes have ever taken, bytes."""
    texts = [Path(f"/proc/{pid}/status").read_text() for pid in pool.processes]
    return sum(1024 * int(text.split("VmHWM:")[1].split()[0]) for text in texts)

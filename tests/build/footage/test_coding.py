"""The film inside the file: as good as it may be, and no larger than it may be."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bithuman_core.build.footage.coding import coded, coded_within

SIZE = (64, 48)


def test_a_film_of_grain_is_coded_coarser_and_a_calm_one_as_ever() -> None:
    noise = np.random.default_rng(0)
    grain = [noise.integers(0, 255, (48, 64, 3)).astype(np.uint8) for _ in range(24)]
    whole, start = coded(grain, SIZE)
    smaller, begins = coded_within(lambda: grain, 24, SIZE, whole.size // 2)
    assert smaller.size < 0.7 * whole.size and len(begins) == len(start) == 25
    calm = [np.full((48, 64, 3), 90, np.uint8)] * 24
    assert np.array_equal(coded_within(lambda: calm, 24, SIZE, 100_000)[0], coded(calm, SIZE)[0])


def test_a_film_that_grows_too_fast_is_not_coded_to_its_end() -> None:
    noise = np.random.default_rng(0)
    grain = [noise.integers(0, 255, (48, 64, 3)).astype(np.uint8) for _ in range(24)] * 10
    seen: list[int] = []

    def frames() -> Iterator[np.ndarray]:
        seen.append(0)
        for frame in grain:
            seen[-1] += 1
            yield frame

    whole, _ = coded(grain, SIZE)
    smaller, begins = coded_within(frames, len(grain), SIZE, whole.size // 2)
    assert smaller.size < 0.7 * whole.size and len(begins) == 241
    assert seen[0] < len(grain) and seen[1:] == [len(grain)]

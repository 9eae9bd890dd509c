"""The walk through a film: endless, gentle, never the same twice."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bithuman_core.motion.walk import DISSOLVE, PLANNED, Mood, Walk

FRAMES = 200


def walk(seed: int = 0, turning: tuple[int, ...] = (3, 60, 120, 190), jumps: tuple[tuple[int, int], ...] = ()) -> Walk:
    """A walk through 200 frames, of which 80 to 100 have their eyes shut and 130 to 160 are restless."""
    eyes = np.full(FRAMES, 255, np.uint8)
    eyes[80:100] = 0
    motion = np.full(FRAMES, 2, np.uint8)
    motion[130:160] = 16
    pairs = np.array(jumps, np.uint16).reshape(-1, 2)
    return Walk(np.array(turning, np.uint16), pairs, eyes, motion, np.random.default_rng(seed))


def frames(of: Walk, count: int, mood: Mood | None = None) -> list[int]:
    return [of.next(mood or Mood()).frame for _ in range(count)]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sets(st.integers(0, FRAMES - 1), min_size=2, max_size=12),
    st.lists(st.tuples(st.integers(0, FRAMES - 1), st.integers(0, FRAMES - 1)), max_size=8),
)
def test_it_stays_in_the_film_and_moves_by_single_frames_but_for_jumps_that_it_was_given(
    seed: int, turning: set[int], jumps: list[tuple[int, int]]
) -> None:
    way = walk(seed, tuple(sorted(turning)), tuple(jumps))
    steps = [way.next(Mood()) for _ in range(600)]
    assert all(0 <= s.frame < FRAMES and s.leaving < FRAMES and 0 <= s.share < 1 for s in steps)
    for before, after in itertools.pairwise(steps):
        if abs(after.frame - before.frame) > 1:
            assert after.leaving >= 0 and after.share > 0.8  # what is left is still seen
            assert any(after.frame == end for _, end in jumps)


def test_it_turns_only_where_the_head_stands_still() -> None:
    seen = frames(walk(), 3000)
    turns = {b for a, b, c in zip(seen, seen[1:], seen[2:], strict=False) if a == c and a != b}
    assert turns <= {3, 60, 120, 190}
    assert {3, 190} <= turns


@pytest.mark.parametrize("jumps", [(), ((150, 20),)])
def test_it_never_stands_still_and_never_repeats(jumps: tuple[tuple[int, int], ...]) -> None:
    seen = frames(walk(jumps=jumps), 6000)
    assert all(a != b for a, b in itertools.pairwise(seen))
    minute = 1500
    assert all(seen[k : k + minute] != seen[:minute] for k in range(1, 3000))


def test_a_jump_goes_over_softly() -> None:
    way = walk(turning=(0, 199), jumps=((150, 20),))
    steps = [way.next(Mood()) for _ in range(3000)]
    begins = [k for k, s in enumerate(steps) if s.leaving >= 0 and steps[k - 1].leaving < 0]
    assert begins
    for k in begins[:-1]:
        over = steps[k : k + DISSOLVE]
        shares = [s.share for s in over]
        assert shares == sorted(shares, reverse=True)
        assert [s.frame for s in over] == list(range(20, 20 + DISSOLVE))
        assert [s.leaving for s in over] == list(range(150, 150 + DISSOLVE))


def test_the_same_seed_walks_the_same_way_and_another_one_another() -> None:
    assert frames(walk(5), 500) == frames(walk(5), 500)
    assert frames(walk(5), 500) != frames(walk(6), 500)


def test_what_comes_is_known_before() -> None:
    way = walk()
    way.next(Mood())
    planned = list(way.ahead)
    assert len(planned) >= PLANNED
    assert frames(way, len(planned)) == planned


@pytest.mark.parametrize("wanted", ["still", "speaking"])
def test_it_prefers_calm_stretches_and_open_eyes_when_it_should(wanted: str) -> None:
    mood = Mood(stillness=1.0) if wanted == "still" else Mood(speaking=1.0)
    turning = tuple(range(3, FRAMES, 12))

    def bad(seed: int, mood: Mood) -> float:
        seen = np.array(frames(walk(seed, turning), 1500, mood))
        return float(((seen >= 130) & (seen < 160)).mean() if wanted == "still" else ((seen >= 80) & (seen < 100)).mean())

    with_mood = np.mean([bad(seed, mood) for seed in range(8)])
    without = np.mean([bad(seed, Mood()) for seed in range(8)])
    assert with_mood < without

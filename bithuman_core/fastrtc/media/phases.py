"""When in the 40 ms the sessions of a server tick: evenly spread, so that their pictures are not all drawn at the same moment."""

from __future__ import annotations

from collections.abc import Iterable

from bithuman_core.timing import TICK_SECONDS


def free_phase(taken: Iterable[float]) -> float:
    """The middle of the widest gap between phases that are taken, 0 to 0.04 s; the first of the widest ones."""
    phases = sorted(taken)
    if not phases:
        return 0.0
    following = [*phases[1:], phases[0] + TICK_SECONDS]
    gap, start = max(((after - phase, phase) for phase, after in zip(phases, following, strict=True)), key=lambda pair: pair[0])
    return (start + gap / 2) % TICK_SECONDS

"""The faces of a file at their own times, and the same at 25 a second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bithuman_core.errors import MotionError
from bithuman_core.face import FACE_SIZE
from bithuman_core.motion.take.arrays import limited
from bithuman_core.motion.take.frames import Take, moved_groups
from bithuman_core.timing import FPS

USUAL_RATES = (24 * 1000 / 1001, 24.0, 25.0, 30 * 1000 / 1001, 30.0, 48.0, 50.0, 60 * 1000 / 1001, 60.0, 90.0, 100.0, 120.0)
NEAR = 0.03  # of a rate: times are written in thousandths of a second
SAME = 0.02  # ticks: a sample this near to a tick is the tick's own


@dataclass(frozen=True, slots=True)
class Samples:
    """``times`` float64 [m] when each face begins to be shown, s; ``values`` float32 [m, 59]; ``fps``: where the file says it."""

    times: NDArray[np.float64]
    values: NDArray[np.float32]
    fps: float | None = None


def resampled(samples: Samples, longest: float) -> Take:
    """The take of samples: between their middles by straight lines, before the first and after the last at rest there.

    Samples at 25 a second are the ticks, to the number. Samples that do not come after the ones before are left out. Raises
    MotionError where nothing moves, and where it lasts longer than ``longest`` seconds.
    """
    times, values = _ordered(samples)
    frame = 1.0 / (samples.fps or _rate(times))
    ticks = int(max((times[-1] - times[0] + frame) * FPS + SAME, 1.0))
    if ticks > longest * FPS:
        raise MotionError(f"it lasts {ticks / FPS:.0f} s, and {longest:.0f} s are taken: cut it shorter.")
    driven = moved_groups(values)
    if not driven.any():
        raise MotionError("nothing moves in it, all of its values are 0: record it again.")
    place = (times - times[0] + 0.5 * frame) * FPS - 0.5  # of the samples' middles, counted in ticks from the middle of tick 0
    wanted = np.arange(ticks, dtype=np.float64)
    after = np.clip(np.searchsorted(place, wanted), 1, max(len(place) - 1, 1)) if len(place) > 1 else np.zeros(ticks, int)
    before = np.maximum(after - 1, 0)
    gap = np.maximum(place[after] - place[before], 1e-9)
    part = np.clip((wanted - place[before]) / gap, 0.0, 1.0)
    part[np.abs(wanted - place[before]) < SAME] = 0.0
    part[np.abs(wanted - place[after]) < SAME] = 1.0
    share = part[:, None].astype(np.float32)
    made = np.where(share == 1.0, values[after], values[before] + share * (values[after] - values[before]))
    return Take(limited(made.astype(np.float32)), driven)


def _ordered(samples: Samples) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    if not len(samples.times):
        raise MotionError("it holds no frame: record it again.")
    assert samples.values.shape == (len(samples.times), FACE_SIZE)
    highest = np.maximum.accumulate(samples.times)
    kept = np.concatenate([[True], samples.times[1:] > highest[:-1]])
    return samples.times[kept], samples.values[kept]


def _rate(times: NDArray[np.float64]) -> float:
    """Samples a second, the nearest usual number where there is one near."""
    if len(times) < 2:
        return float(FPS)
    rate = 1.0 / float(np.median(np.diff(times)))
    nearest = min(USUAL_RATES, key=lambda usual: abs(usual - rate))
    return nearest if abs(nearest - rate) < NEAR * nearest else rate

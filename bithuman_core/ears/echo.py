"""A gate against one's own voice: what the loudspeaker gives back to the microphone does not count as somebody who speaks.

Browsers cancel echo, not always and never wholly. The gate knows what is being played. In bands of frequency it learns how loud
that comes back, and how late, from the last seconds of play; sound that is no louder than this is the avatar's own.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.ears.voice_activity import WINDOW
from bithuman_core.timing import SAMPLE_RATE

BANDS, LOWEST, HIGHEST = 16, 120.0, 7000.0  # mel-spaced, Hz
LATEST = 30  # windows of 32 ms: the longest way from the server to the loudspeaker and back
SPREAD = 2  # windows to both sides of the likeliest delay: packets come early and late
FADES = -2.6  # dB from one window to the next: a room that rings for 0.75 s
REMEMBERED = 96  # windows of play from which the way back is learnt, ...
ENOUGH = LATEST + 12  # ... once there are so many; before, the avatar may come back as loud as it is played
USUAL = 80  # percentile of the loudness that comes back
MARGIN, EXCEEDS = 6.0, 3.0  # dB above what is expected, and how much above that a mean band is somebody else
SEEN = 3  # windows over which that is judged
QUIET = 1e-7  # power of a window (-70 dBFS): what is played below that comes back from nowhere
LEARNS = 4  # windows between two looks at the way back
ALIKE = 0.45  # correlation of microphone and play from which on something comes back at all


def _bands() -> NDArray[np.float32]:
    """Triangles over the bins of a window's spectrum, float32 [257, 16], the mel scale of O'Shaughnessy (1987)."""
    low, high = (2595.0 * math.log10(1.0 + frequency / 700.0) for frequency in (LOWEST, HIGHEST))
    mel = np.linspace(low, high, BANDS + 2)
    edges = 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    bins = np.arange(WINDOW // 2 + 1) * SAMPLE_RATE / WINDOW
    rise = (bins[:, None] - edges[:-2]) / np.diff(edges)[:-1]
    fall = (edges[2:] - bins[:, None]) / np.diff(edges)[1:]
    return np.clip(np.minimum(rise, fall), 0.0, None).astype(np.float32)


WEIGHTS = _bands()
TAPER = np.hanning(WINDOW).astype(np.float32)


def band_power(window: NDArray[np.int16]) -> NDArray[np.float32]:
    """Mean power of the bands of one window, int16 [512], in dB against full scale, float32 [16]."""
    spectrum = np.abs(np.fft.rfft(window / np.float32(32768.0) * TAPER)) ** 2 * np.float32(8.0 / 3.0 / WINDOW**2)
    return (10.0 * np.log10(spectrum @ WEIGHTS + QUIET / BANDS)).astype(np.float32)


SILENT = band_power(np.zeros(WINDOW, np.int16))
HEARD_OF = SILENT + 12.0  # dB: bands of what is played that can be recognised
WAYS = np.arange(LATEST + SPREAD + 1)  # delays, in windows
PLAYED = 2 * REMEMBERED + WAYS.size  # windows of play that are kept: packets of the microphone may be late


@dataclass(frozen=True, slots=True)
class WayBack:
    """How late (windows) and how much louder (dB, float32 [16]) what is played comes back."""

    delay: int
    loudness: NDArray[np.float32]


class EchoGate:
    """One line's. ``play`` what is sent to the loudspeaker as it is sent; then ask of each window of the microphone."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.int16)
        self._played = np.tile(SILENT, (PLAYED, 1))  # dB, the newest first, with the room's tail
        self._windows = 0  # of play
        self._heard = np.tile(SILENT, (REMEMBERED, 1))  # the microphone's windows, dB, the newest first
        self._at = np.zeros(REMEMBERED, np.int64)  # how many windows had been played when each was heard
        self._way: WayBack | None = None
        self._learnt = 0  # windows since then
        self._excess = deque([0.0] * SEEN, SEEN)

    def play(self, samples: NDArray[np.int16]) -> None:
        """Sound that is sent now, int16 [n] at 16 kHz, silence included: the gate's clock."""
        sound = np.concatenate([self._rest, samples])
        whole = sound.size // WINDOW * WINDOW
        self._rest = sound[whole:]
        for window in sound[:whole].reshape(-1, WINDOW):
            tail = np.maximum(self._played[0] + FADES, SILENT)
            _remember(self._played, np.maximum(band_power(window), tail))
            self._windows += 1

    def is_own(self, window: NDArray[np.int16]) -> bool:
        """Whether the microphone's next window, int16 [512], holds nothing but what was played."""
        heard = band_power(window)
        _remember(self._heard, heard)
        _remember(self._at, self._windows)
        if (self._played[WAYS] <= HEARD_OF).all():
            self._excess.append(EXCEEDS)
            return False
        self._learnt += 1
        if self._learnt >= LEARNS:
            ages = (self._windows - self._at)[:, None] + WAYS
            before = self._played[np.minimum(ages, PLAYED - 1)]  # each window of the microphone
            self._way, self._learnt = _way_back(self._heard, before) or self._way, 0
        expected = np.maximum(self._expected() + MARGIN, SILENT + MARGIN)
        self._excess.append(float(np.clip(heard - expected, 0.0, 20.0).mean()))
        return sum(self._excess) / SEEN < EXCEEDS

    def _expected(self) -> NDArray[np.float32]:
        """What comes back now, dB [16]."""
        if self._way is None:
            return self._played[WAYS].max(0)
        return self._played[_near(self._way.delay)].max(0) + self._way.loudness


def _remember(newest_first: NDArray[Any], newest: Any) -> None:
    newest_first[1:] = newest_first[:-1].copy()
    newest_first[0] = newest


def _near(delay: int) -> slice:
    return slice(max(delay - SPREAD, 0), delay + SPREAD + 1)


def _way_back(heard: NDArray[np.float32], before: NDArray[np.float32]) -> WayBack | None:
    """Learnt from the microphone, dB [t, 16], and what had been played, dB [t, delay, 16]; None while too little was played."""
    delay, alike = _delay(heard, before)
    played = before[:, _near(delay)].max(1)
    active = played > HEARD_OF
    if np.count_nonzero(active.any(1)) < ENOUGH:
        return None
    if alike < ALIKE:
        return WayBack(delay, np.full(BANDS, -200.0, np.float32))
    back = np.where(active, heard - played, np.inf)
    counts = active.sum(0)
    loudness = np.sort(back, 0)[(counts - 1).clip(0) * USUAL // 100, np.arange(BANDS)]
    known = counts >= ENOUGH // 4
    if not known.any():
        return None
    return WayBack(delay, np.where(known, loudness, loudness[known].max()).astype(np.float32))


def _delay(heard: NDArray[np.float32], before: NDArray[np.float32]) -> tuple[int, float]:
    """The delay, in windows, at which what was played goes up and down as the microphone does, and how much so (correlation)."""
    moves, steps = heard - heard.mean(0), before - before.mean(0)
    together = np.einsum("tb,tdb->d", moves, steps)
    likeness = together / np.sqrt(np.einsum("tdb,tdb->d", steps, steps) * np.sum(moves**2) + 1.0)
    best = int(np.argmax(likeness[: LATEST + 1]))
    return best, float(likeness[best])

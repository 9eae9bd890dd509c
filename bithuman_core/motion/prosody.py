"""What the sound of the speech says besides words: stressed syllables, the tune, phrases, and how aroused it is."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from bithuman_core.motion.pitch import PitchTracker
from bithuman_core.timing import TICK_SECONDS

FLOOR_DB = -50.0  # quieter than this is silence
PHRASE_END_SECONDS = 0.24  # this long without voice ends a phrase
NORM_SECONDS, NORM_START = 20.0, 0.3  # memory of the speaker's norm; what is assumed before counts for so many seconds
NEAR_SECONDS = 1.2  # the neighbourhood that a stressed syllable stands out from
SYLLABLE_GAP = 0.12  # s, least time between two syllables' peaks
SYLLABLE_RISE = 1.5  # dB that the level must have risen to a peak
RISING = 2.0  # semitones above the norm at the end of a phrase that make a question
TUNE = 4.0  # semitones above the norm are tune 1


def level_db(samples: NDArray[np.float32]) -> float:
    """Root mean square level of samples (-1..1) in dB of full scale, not below -50."""
    power = float(np.dot(samples, samples)) / max(samples.size, 1)
    return max(10.0 * math.log10(power + 1e-12), FLOOR_DB)


class Norm:
    """Running mean and deviation of a quantity: quick at first, slow once it is known."""

    def __init__(self, mean: float, deviation: float, seconds: float = NORM_SECONDS) -> None:
        self.mean, self._variance = mean, deviation**2
        self._known, self._most = NORM_START, seconds

    @property
    def deviation(self) -> float:
        """Standard deviation."""
        return math.sqrt(self._variance)

    def push(self, value: float, seconds: float = TICK_SECONDS) -> None:
        """Take a value that stands for so many seconds."""
        self._known = min(self._known + seconds, self._most)
        share = seconds / self._known
        away = value - self.mean
        self.mean += share * away
        self._variance += share * (away * away * (1.0 - share) - self._variance)


class Prosody:
    """Follows level, pitch and voice activity of the speech tick by tick. Causal; about 0.1 ms a tick.

    After :meth:`push`: ``speaking`` 0..1 (smooth); ``phrase_began`` and ``phrase_ended`` (true for one tick); ``question`` (with
    ``phrase_ended``: whether the voice rose); ``accent`` 0..1 (not 0 for the one tick in which a syllable proves stressed);
    ``tune`` -1..1 (pitch against the speaker's norm, smooth).
    """

    def __init__(self) -> None:
        self.speaking = self.accent = self.tune = 0.0
        self.phrase_began = self.phrase_ended = self.question = False
        self._pitch = PitchTracker()
        self._quiet = math.inf  # s since the last voice
        self._tone = Norm(math.nan, 2.5)  # semitones
        self._peaks = Norm(0.0, 0.7, 6.0)  # prominence of syllables
        self._recent = deque([0.0], 8)  # tones of the last voiced ticks, against the norm
        self._smooth_db, self._valley, self._rising = FLOOR_DB, FLOOR_DB, False
        self._near_level, self._near_tone = FLOOR_DB + 25.0, 0.0
        self._since_peak = math.inf

    def cut(self) -> None:
        """The speech was interrupted: what comes next has nothing to do with it. The speaker's norm stays."""
        self._pitch.reset()

    def push(self, samples: NDArray[np.float32], voice: float) -> None:
        """Take one tick of samples (float32 [640], -1..1), which may lie ahead of the voice activity ``voice`` 0..1."""
        active = voice > 0.5
        self.speaking += (float(active) - self.speaking) * TICK_SECONDS / (0.15 if active else 0.5)
        quiet = 0.0 if active else self._quiet + TICK_SECONDS
        self.phrase_began = active and self._quiet >= PHRASE_END_SECONDS
        self.phrase_ended = self._quiet < PHRASE_END_SECONDS <= quiet
        self._quiet = quiet
        level = level_db(samples)
        hertz = self._pitch.push(samples) if level > FLOOR_DB else 0.0
        tone = self._tone_of(hertz)
        self.question = self.phrase_ended and len(self._recent) == 8 and self._rose()
        if self.phrase_ended:
            self._recent.clear()
        self._hear_syllable(level, tone, bool(hertz) or active)
        self.tune += (min(max(tone / TUNE, -1.0), 1.0) * bool(hertz) - self.tune) * TICK_SECONDS / 0.2

    def _tone_of(self, hertz: float) -> float:
        """Semitones above the speaker's norm; that of the last voiced tick where there is none."""
        if not hertz:
            return self._recent[-1] if self._recent else 0.0
        semitones = 12.0 * math.log2(hertz / 100.0)
        if math.isnan(self._tone.mean):
            self._tone.mean = semitones
        self._tone.push(semitones)
        self._recent.append(semitones - self._tone.mean)
        return self._recent[-1]

    def _rose(self) -> bool:
        tones = [*self._recent]
        end, before = sum(tones[-3:]) / 3, sum(tones[:4]) / 4
        return end > RISING and end > before

    def _hear_syllable(self, level: float, tone: float, voiced: bool) -> None:
        """Find the peak of a syllable just after it, and how prominent it is among the others."""
        self.accent = 0.0
        self._since_peak += TICK_SECONDS
        before = self._smooth_db
        self._smooth_db += (level - self._smooth_db) * 0.6
        if voiced:
            self._near_level += (level - self._near_level) * TICK_SECONDS / NEAR_SECONDS
            self._near_tone += (tone - self._near_tone) * TICK_SECONDS / NEAR_SECONDS
        fell = self._smooth_db < before
        if self._rising and fell and voiced and before - self._valley > SYLLABLE_RISE and self._since_peak > SYLLABLE_GAP:
            self._since_peak = 0.0
            prominence = (before - self._near_level) / 5.0 + (tone - self._near_tone) / 3.0
            above = (prominence - self._peaks.mean) / max(self._peaks.deviation, 0.25)
            self._peaks.push(prominence, 0.25)
            self.accent = min(max(0.5 * above, 0.0), 1.0)
        if not fell and not self._rising:
            self._valley = before
        self._rising = not fell

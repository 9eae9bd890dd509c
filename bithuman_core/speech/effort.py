"""Vocal effort: who speaks up opens the mouth further, who murmurs opens it less."""

from __future__ import annotations

from bithuman_core.timing import TICK_SECONDS

HABIT_SECONDS = 8.0  # of speech, over which a speaker's usual level is learned
OPENING_PER_DB = 0.02  # a shout, 15 dB over the habit, opens the mouth by a third more (our choice, by eye)
LEAST, MOST = 0.85, 1.3  # of the usual opening
SMOOTHING = 0.15  # share of the way to the new opening in a tick: 90 % in 0.6 s
SPEAKING = 0.5  # voice activity from which a tick counts as speech


class Effort:
    """A factor for the opening of the mouth, 1 at the level at which the speaker usually speaks.

    Only differences count, so the microphone's gain does not; the habit is a running mean over the last eight seconds of
    speech. It is trusted the more the longer it has been heard: the first words open as usual.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the speaker."""
        self._habit = 0.0  # dB
        self._heard = 0.0  # s of speech
        self.opening = 1.0

    def push(self, level: float, voice: float) -> float:
        """One tick: its level in dB (any reference) and voice activity 0..1; returns :attr:`opening`."""
        if voice >= SPEAKING:
            self._heard = min(self._heard + TICK_SECONDS, HABIT_SECONDS)
            self._habit += (level - self._habit) * TICK_SECONDS / self._heard
            trust = self._heard / HABIT_SECONDS
            wanted = min(max(1.0 + trust * OPENING_PER_DB * (level - self._habit), LEAST), MOST)
            self.opening += SMOOTHING * (wanted - self.opening)
        return self.opening

"""When somebody begins to speak and when the turn is over, counted in samples: no clock, the same sound gives the same turns."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bithuman_core.ears.echo import EchoGate
from bithuman_core.ears.voice_activity import WINDOW
from bithuman_core.timing import SAMPLE_RATE

SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 3.0  # s


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """Durations in seconds, likelihoods 0..1."""

    begins: float = 0.5  # so likely speech is a beginning, ...
    begins_after: float = 0.06  # ... where it goes on for so long
    goes_on: float = 0.35  # less likely is a pause
    ends_after: float = 0.35  # a pause that ends the turn
    guesses_after: float = 0.16  # a pause after which it is worth a guess that the turn is over
    before: float = 0.3  # of the sound before the beginning that belong to it: soft consonants
    longest: float = 30.0  # a turn that does not end is taken as it is; what follows is another
    on_its_way: float = 0.5  # sound that a network and its buffers still hold, of the time before it was cut off


def as_pause(seconds: float) -> float:
    """A pause that ends a turn, s. Raises ValueError for one that makes no sense."""
    if not SHORTEST_PAUSE <= seconds <= LONGEST_PAUSE:
        raise ValueError(f"A pause of {seconds:g} s cannot end a turn: give {SHORTEST_PAUSE} to {LONGEST_PAUSE} s.")
    return seconds


@dataclass(frozen=True, slots=True)
class TurnBegan:
    """Somebody has begun to speak."""


@dataclass(frozen=True, slots=True)
class TurnPaused:
    """Perhaps the turn is over: its sound so far, int16 [n] at 16 kHz."""

    samples: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The turn's sound, int16 [n] at 16 kHz, with a little before it and its last pause. quiet: since ``TurnPaused`` there was
    nothing but that pause."""

    samples: NDArray[np.int16]
    quiet: bool = False


TurnEvent = TurnBegan | TurnPaused | TurnEnded


class TurnDetector:
    """Feed it the microphone, and what is played meanwhile; it tells of turns.

    ``likely`` judges windows of 512 samples, as ``VoiceActivity`` does. echo: takes out what was only played; None: nothing is.
    ``settings`` may be changed while it listens.
    """

    def __init__(
        self,
        likely: Callable[[NDArray[np.int16]], float],
        settings: TurnSettings | None = None,
        echo: EchoGate | None = None,
    ) -> None:
        self.settings = settings or TurnSettings()
        self._likely, self._echo = likely, echo
        self._rest = np.zeros(0, np.int16)
        self._before: deque[NDArray[np.int16]] = deque(maxlen=self._windows(self.settings.before + self.settings.begins_after))
        self._turn: list[NDArray[np.int16]] | None = None
        self._speech = self._pause = 0  # windows in a row
        self._stale = 0  # windows that begin no turn

    @property
    def speaking(self) -> bool:
        """Whether a turn has begun and is not over."""
        return self._turn is not None

    def played(self, samples: NDArray[np.int16]) -> None:
        """What is sent to the loudspeaker now, int16 [n] at 16 kHz, silence included."""
        if self._echo is not None:
            self._echo.play(samples)

    def push(self, samples: NDArray[np.int16]) -> list[TurnEvent]:
        """More sound, int16 [n] at 16 kHz; what has happened in it."""
        sound = np.concatenate([self._rest, samples])
        whole = sound.size // WINDOW * WINDOW
        self._rest = sound[whole:]
        events = (self._hear(window) for window in sound[:whole].reshape(-1, WINDOW))
        return [event for event in events if event is not None]

    def end(self) -> TurnEnded | None:
        """The turn ends here, by a key that was let go or a line that closed; None where none was begun."""
        if self._turn is None:
            return None
        self._turn.append(self._rest)
        self._rest = self._rest[:0]
        return self._ended()

    def cut_off(self) -> None:
        """Whatever is being said counts no more, nor what of it is still on its way."""
        self.end()
        self._stale = self._windows(self.settings.on_its_way)

    def _hear(self, window: NDArray[np.int16]) -> TurnEvent | None:
        chosen, likely = self.settings, self._likely(window)
        if self._echo is not None and self._echo.is_own(window):
            likely = 0.0
        if self._turn is None:
            if self._stale:
                self._stale -= 1
                return None
            self._before.append(window)
            self._speech = self._speech + 1 if likely >= chosen.begins else 0
            if self._speech < self._windows(chosen.begins_after):
                return None
            self._turn, self._pause = list(self._before), 0
            return TurnBegan()
        self._turn.append(window)
        self._pause = 0 if likely >= chosen.goes_on else self._pause + 1
        if self._pause >= self._windows(chosen.ends_after) or len(self._turn) >= self._windows(chosen.longest):
            return self._ended()
        return TurnPaused(np.concatenate(self._turn)) if self._pause == self._windows(chosen.guesses_after) else None

    def _ended(self) -> TurnEnded:
        samples = np.concatenate(self._turn or [self._rest])
        quiet = self._pause > self._windows(self.settings.guesses_after)
        self._turn, self._speech, self._pause = None, 0, 0
        self._before.clear()
        return TurnEnded(samples, quiet)

    @staticmethod
    def _windows(seconds: float) -> int:
        return max(round(seconds * SAMPLE_RATE / WINDOW), 1)

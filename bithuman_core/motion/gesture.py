"""Gestures: named clips of face-state channels that play once over everything else."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.errors import ModelLoadError
from bithuman_core.face import FACE_SIZE, INDEX
from bithuman_core.imx.bounds import BOUNDS, MOST, shown
from bithuman_core.imx.loader_errors import loader
from bithuman_core.timing import TICK_SECONDS

MAX_SECONDS, MAX_KEYS = BOUNDS["seconds"][1], MOST["keys"]
LEAST_SECONDS = 1e-3  # between two keys: slopes stay finite
LARGEST = BOUNDS["value"][1]
CUT_SECONDS = 0.25  # how quickly a gesture that is cut goes away
SIZE, PACE = (0.88, 1.08), (0.95, 1.08)  # nobody nods twice alike


@dataclass(frozen=True, slots=True)
class Gesture:
    """A clip: per channel, keys (times in seconds, rising from 0; values added to the face). First and last values are 0."""

    name: str
    seconds: float
    channels: dict[int, tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]  # times, values, slopes

    @classmethod
    @loader
    def from_manifest(cls, name: str, raw: Any) -> Gesture:
        """Read ``{"headPitch": [[0, 0], [0.3, -6], [0.6, 0]], ...}``. Raises ModelLoadError where it is not such a clip."""
        if not isinstance(raw, Mapping) or not raw:
            raise ModelLoadError(f"The avatar's gesture {name!r} is damaged: channels by name are needed.")
        channels = {}
        for channel, keys in raw.items():
            times, values = _keys(name, channel, keys)
            channels[INDEX[channel]] = (times, values, _slopes(times, values))
        return cls(name, max(float(times[-1]) for times, _, _ in channels.values()), channels)

    def at(self, seconds: float) -> NDArray[np.float32]:
        """What the gesture adds to the face at a time, float32 [59]; cubic between keys, 0 before and after."""
        face = np.zeros(FACE_SIZE, np.float32)
        for channel, (times, values, slopes) in self.channels.items():
            k = int(np.searchsorted(times, seconds, side="right")) - 1
            if 0 <= k < len(times) - 1:
                span = times[k + 1] - times[k]
                t = (seconds - times[k]) / span
                ease = t * t * (3.0 - 2.0 * t)
                bow = t * (1.0 - t) * ((1.0 - t) * slopes[k] - t * slopes[k + 1]) * span
                face[channel] = values[k] + (values[k + 1] - values[k]) * ease + bow
        return face


def _slopes(times: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slopes at the keys of the monotone cubic (Fritsch and Butland 1984): 0 at both ends and at every turn, no overshoot."""
    steps = np.diff(times)
    rises = np.diff(values) / steps
    slopes = np.zeros_like(values)
    through = np.flatnonzero(rises[:-1] * rises[1:] > 0.0)
    before, after = 2 * steps[through + 1] + steps[through], steps[through + 1] + 2 * steps[through]
    with np.errstate(over="ignore"):  # a rise that is next to none has no slope
        slopes[through + 1] = (before + after) / (before / rises[through] + after / rises[through + 1])
    return slopes


def _keys(name: str, channel: Any, keys: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if channel not in INDEX:
        raise ModelLoadError(f"The avatar's gesture {name!r} moves {shown(channel)}, which is no face value.")
    try:
        pairs = isinstance(keys, list) and 2 <= len(keys) <= MAX_KEYS and all(map(_is_pair, keys))
        array = np.array(keys if pairs else [[np.nan, np.nan]], np.float64)
    except OverflowError:  # a whole number beyond all floats
        array = np.full((1, 2), np.nan)
    times, values = array[:, 0], array[:, 1]
    if not (np.isfinite(times) & (np.abs(values) <= LARGEST)).all():
        raise ModelLoadError(
            f"The avatar's gesture {name!r} is damaged: {channel} needs 2 to {MAX_KEYS} [time, value] pairs, up to {LARGEST:g}."
        )
    if times[0] < 0 or np.any(np.diff(times) < LEAST_SECONDS) or times[-1] > MAX_SECONDS or values[0] != 0 or values[-1] != 0:
        raise ModelLoadError(
            f"The avatar's gesture {name!r} is damaged: the times of {channel} must rise from 0 to {MAX_SECONDS:.0f} s at most, "
            "its first and last values must be 0."
        )
    return times, values


def _is_pair(key: Any) -> bool:
    return isinstance(key, list) and len(key) == 2 and all(isinstance(v, int | float) and not isinstance(v, bool) for v in key)


class GesturePlayer:
    """Plays one gesture at a time, further ones of the same request after it; each time a little different, seeded."""

    def __init__(self, gestures: Mapping[str, Gesture], rng: np.random.Generator) -> None:
        self._gestures = gestures
        self._rng = rng
        self._size = self._pace = 1.0
        self._playing: Gesture | None = None
        self._queue: deque[Gesture] = deque()
        self._age = 0.0
        self._left = np.zeros(FACE_SIZE, np.float32)  # what a cut gesture still adds
        self.stop_on_user_speech = False
        self.stop_on_agent_speech = False

    @property
    def playing(self) -> str | None:
        """The name of the running gesture."""
        return self._playing.name if self._playing else None

    def find(self, *names: str) -> list[Gesture]:
        """The gestures of these names. Raises ValueError for an unknown one, listing the known ones."""
        for name in names:
            if name not in self._gestures:
                known = ", ".join(sorted(self._gestures)) or "none"
                raise ValueError(f"The avatar has no gesture {name!r}; it knows: {known}.")
        return [self._gestures[name] for name in names]

    def play(
        self, *names: str, force: bool = False, stop_on_user_speech: bool = False, stop_on_agent_speech: bool = False
    ) -> bool:
        """Begin a gesture, the others follow it. False where one is running: ``force`` replaces it, unless it is the same one.

        The flags cut it where the user, or the avatar, begins to speak. Raises ValueError for an unknown name.
        """
        wanted = deque(self.find(*names))
        if not wanted or (self._playing is not None and (not force or self._playing is wanted[0])):
            return False
        self.cut()
        self._queue = wanted
        self._begin(wanted.popleft())
        self.stop_on_user_speech, self.stop_on_agent_speech = stop_on_user_speech, stop_on_agent_speech
        return True

    def change(self, gestures: Mapping[str, Gesture]) -> None:
        """Other clips from now on; a running one fades."""
        self.cut()
        self._gestures = gestures

    def _begin(self, gesture: Gesture | None) -> None:
        self._playing, self._age = gesture, 0.0
        self._size, self._pace = float(self._rng.uniform(*SIZE)), float(self._rng.uniform(*PACE))

    def cut(self) -> None:
        """End the running gesture and those waiting; its face fades within a quarter of a second."""
        self._queue.clear()
        if self._playing is not None:
            self._left += np.float32(self._size) * self._playing.at(self._age)
            self._playing = None

    def next(self) -> NDArray[np.float32]:
        """What the gestures add to the face at the next tick, float32 [59]."""
        self._left *= np.float32(math.exp(-4.0 * TICK_SECONDS / CUT_SECONDS))
        if self._playing is None:
            return self._left.copy()
        self._age += TICK_SECONDS * self._pace
        face = self._left.copy()
        face += self._size * self._playing.at(self._age)
        if self._age >= self._playing.seconds:
            self._begin(self._queue.popleft() if self._queue else None)
        return face

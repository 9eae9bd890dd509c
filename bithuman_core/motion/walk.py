"""A walk through the frames of a film: endless, never the same twice, turning only where the head stands still."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PLANNED = 14  # ticks that are always planned ahead: a group of frames is decoded by then
DISSOLVE = 8  # ticks that a jump takes
LOOK = 30  # frames ahead that a choice is made for
STALE = 150.0  # ticks after which a frame counts as not seen lately
TURN_CHANCE = 0.25  # at a turning point that is not the last one
JUMP_CHANCE = 0.5  # where the film looks as it does elsewhere
REST_AFTER_TURN = 12  # ticks before the next turn
CHOOSY = 0.35  # how much the better of two ways is preferred


@dataclass(frozen=True, slots=True)
class Step:
    """The frame of a tick; while a jump lasts, the frame that it leaves and that one's share, 1 to 0."""

    frame: int
    leaving: int = -1
    share: float = 0.0


@dataclass(slots=True)
class Mood:
    """What a film should know of the moment beside the face."""

    speaking: float = 0.0  # 0..1
    listening: bool = False
    stillness: float = 0.0  # 0..1
    gestured: NDArray[np.float32] | None = None  # what gestures ask of the head: yaw, pitch, roll, degrees


class Walk:
    """One session's way through n frames, seeded. turning: frames [k] where it may turn, rising. jumps: [j, 2] from, to. eyes,
    motion: u8 [n], see `render.footage.rig.WalkData`."""

    def __init__(
        self,
        turning: NDArray[np.uint16],
        jumps: NDArray[np.uint16],
        eyes: NDArray[np.uint8],
        motion: NDArray[np.uint8],
        rng: np.random.Generator,
    ) -> None:
        self._turning = {int(k) for k in turning}
        self._first, self._last = int(turning[0]), int(turning[-1])
        self._jumps: dict[int, list[int]] = {}
        for start, end in jumps:
            self._jumps.setdefault(int(start), []).append(int(end))
        ends = [int(end) for _, end in jumps]
        starts = [int(start) for start, _ in jumps]
        self._last = max([self._last, *starts])  # a jump is as good a way to leave the end as a turn
        self._first = min([self._first, *ends])
        self._eyes, self._motion = eyes / 255.0, motion / 8.0
        self._rng = rng
        self._seen = np.full(len(eyes), -STALE)
        self._tick = 0
        self._at = int(rng.choice(turning))
        self._way = 1 if self._at < self._last else -1
        self._since_turn = 0
        self._dissolve: deque[Step] = deque()
        self._plan: deque[Step] = deque()

    def next(self, mood: Mood) -> Step:
        """The frame of the next tick. What the mood changes is seen within half a second."""
        while len(self._plan) <= PLANNED:
            self._plan.append(self._step(mood))
        return self._plan.popleft()

    @property
    def ahead(self) -> Sequence[int]:
        """The frames of the ticks after that."""
        return [step.frame for step in self._plan]

    def _step(self, mood: Mood) -> Step:
        self._tick += 1
        self._seen[self._at] = self._tick
        here = self._at
        if self._dissolve:
            step = self._dissolve.popleft()
            self._at = step.frame if self._dissolve else min(step.frame + 1, len(self._seen) - 1)
            return step
        self._since_turn += 1
        target = self._jump(mood)
        if target is not None:
            return self._leave(target)
        if self._must_turn() or self._may_turn(mood):
            self._way, self._since_turn = -self._way, 0
        self._at = min(max(here + self._way, 0), len(self._seen) - 1)
        return Step(here)

    def _must_turn(self) -> bool:
        return (self._way > 0 and self._at >= self._last) or (self._way < 0 and self._at <= self._first)

    def _may_turn(self, mood: Mood) -> bool:
        if self._at not in self._turning or self._since_turn < REST_AFTER_TURN or self._rng.uniform() > TURN_CHANCE:
            return False
        stay, turn = (self._worth(self._at, way, mood) for way in (self._way, -self._way))
        return self._rng.uniform() < 1 / (1 + np.exp(-(turn - stay) / CHOOSY))

    def _jump(self, mood: Mood) -> int | None:
        if self._way < 0 or self._at not in self._jumps or self._since_turn < REST_AFTER_TURN:
            return None
        if not self._must_turn() and self._rng.uniform() > JUMP_CHANCE:
            return None
        targets = self._jumps[self._at]
        target = targets[int(self._rng.integers(len(targets)))]
        stay, go = self._worth(self._at, 1, mood), self._worth(target, 1, mood)
        wanted = self._rng.uniform() < 1 / (1 + np.exp(-(go - stay) / CHOOSY))
        return target if wanted or self._must_turn() else None

    def _leave(self, target: int) -> Step:
        """Go over to the frame ``target`` while both play on."""
        last = len(self._seen) - 1
        self._since_turn = 0
        for k in range(1, DISSOLVE):
            share = 1 - (k + 1) / (DISSOLVE + 1)
            self._dissolve.append(Step(min(target + k, last), min(self._at + k, last), share))
        step = Step(target, self._at, 1 - 1 / (DISSOLVE + 1))
        self._at = target
        return step

    def _worth(self, start: int, way: int, mood: Mood) -> float:
        """How good the next frames that way are: not seen lately, eyes open while it speaks, calm if it is to be."""
        end = start + way * LOOK
        low, high = max(min(start, end), 0), min(max(start, end), len(self._seen) - 1) + 1
        fresh = np.minimum((self._tick - self._seen[low:high]) / STALE, 1).mean()
        eyes, motion = self._eyes[low:high].mean(), np.minimum(self._motion[low:high], 2).mean()
        room = (high - low) / (LOOK + 1)
        return float(fresh + (0.5 + mood.speaking + mood.listening) * eyes - (0.3 + 2 * mood.stillness) * motion + 0.5 * room)

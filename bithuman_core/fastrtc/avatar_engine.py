"""What a visitor asked of the avatar, and the engine that does it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bithuman_core.background import Background
from bithuman_core.engine import Engine, EngineTick, Fixture
from bithuman_core.face import FaceState
from bithuman_core.motion.take.frames import MotionFrame, Take
from bithuman_core.render import Scene
from bithuman_core.types import Emotion

SPEAKING = 0.5  # of the mixer's 0..1: from here on the caption says so


@dataclass
class AvatarState:
    """Who is played and how. It outlives engines and connections: a crash or a reconnect goes on with it.

    stillness: 0 (lively) to 1 (calm). background: what was chosen; None: what the avatar's file names.
    """

    fixture: Fixture
    emotion: Emotion = Emotion.NEUTRAL
    stillness: float = 0.0
    background: Background | None = None
    _made: tuple[Fixture, Background | None, Scene] | None = field(default=None, repr=False)

    def stand_before(self, background: Background | None, scene: Scene) -> None:
        """Choose a background; scene: what it makes of the present avatar."""
        self.background, self._made = background, (self.fixture, background, scene)

    def scene(self) -> Scene:
        """What the present avatar stands before; made where the avatar is a new one. Raises BackgroundError."""
        fixture, background, made = self.fixture, self.background, self._made
        if made is None or made[0] is not fixture or made[1] is not background:
            made = self._made = fixture, background, fixture.scene(background)
        return made[2]

    def copy(self) -> AvatarState:
        """The role as it is now."""
        return replace(self)


class AvatarEngine:
    """An engine in a role. Every method is called by one thread at a time, the one that steps.

    planes: pictures are for an encoder, and come as I420 where that costs less, see :meth:`bithuman_core.engine.Engine.step`.
    """

    def __init__(self, state: AvatarState, planes: bool = True) -> None:
        self._planes = planes
        self._engine = Engine(state.fixture, secrets.randbits(32))
        self._scene: Scene | None = None
        self._motion: Iterator[MotionFrame] = iter(())
        self.play(state)

    @property
    def speaking(self) -> bool:
        """Whether the avatar is speaking."""
        return self._engine.mixer.speaking > SPEAKING

    def step(self, samples: NDArray[np.int16] | None) -> EngineTick:
        """One tick; see :meth:`bithuman_core.engine.Engine.step`."""
        return self._engine.step(samples, next(self._motion, None), self._planes)

    def animate(self, samples: NDArray[np.int16] | None) -> tuple[FaceState, NDArray[np.int16] | None]:
        """The same without its picture."""
        return self._engine.animate(samples, next(self._motion, None))

    def follow(self, take: Take) -> None:
        """Do a take, a frame with each step from the next one on."""
        self._motion = take.frames()

    def play(self, state: AvatarState) -> None:
        """Take over what the role says now: the avatar cross-fades, the expression and the calm follow smoothly."""
        scene = state.scene()
        if self._engine.fixture is not state.fixture:
            self._engine.change(state.fixture, scene)
        elif scene is not self._scene:
            self._engine.show(scene)
        self._scene = scene
        self._engine.mixer.expression.feel({state.emotion: 1.0})
        self._engine.mixer.stillness = state.stillness

    def perform(self, gesture: str) -> None:
        """Play a gesture at once. One that this avatar does not have is left out: it may have been changed meanwhile."""
        if gesture in self._engine.fixture.gestures:
            self._engine.mixer.gestures.play(gesture, force=True)

    def attend(self, listening: bool, thinking: bool) -> None:
        """Look attentive, as somebody does who is spoken to, or thoughtful, before an answer."""
        self._engine.mixer.listening, self._engine.mixer.thinking = listening, thinking

    def hush(self) -> None:
        """Stop speaking, and what a take does, at once."""
        self._motion = iter(())
        self._engine.reset()

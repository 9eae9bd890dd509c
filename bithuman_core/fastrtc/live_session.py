"""One visitor's live session on the 40 ms clock, without a word about WebRTC.

One task does the work of a tick and feeds both lines, so that a picture and its sound leave together. The engine runs in a
thread pool, never on the event loop; one that raises is replaced, and the last good picture stays meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bithuman_core.clock import Clock, Pacer
from bithuman_core.fastrtc.clip_queue import Clip, ClipQueue
from bithuman_core.fastrtc.media.jitter_buffer import MicrophoneJitterBuffer, is_quiet
from bithuman_core.fastrtc.media.lateness import MAX_BURST, Lateness
from bithuman_core.fastrtc.media.lip_sync_delay import SILENCE, LipSyncDelay
from bithuman_core.fastrtc.media.phases import free_phase
from bithuman_core.fastrtc.media.resync import VoiceResync
from bithuman_core.fastrtc.media.send_queue import SendQueue
from bithuman_core.fastrtc.session_stats import SessionStats
from bithuman_core.timing import FPS

logger = logging.getLogger(__name__)

MAX_FAILURES = 3  # of the engine, in a row; then the visit ends
DEAF_SECONDS = 10.0  # pages send sound, or say that they are there, all the time: this long without either, and they are gone
CLOSED_TICKS = range(FPS // 2, 4 * FPS)  # no sound comes for so long: the microphone was closed, and a listener hears silence
WARNING_SECONDS = 60.0  # before the visit's time is up

CRASHED = "The avatar stumbled and was started again. The details are in the server's log."
GAVE_UP = "The avatar cannot go on. Press Start to try again; the details are in the server's log."
TIME_UP = "The time of this visit is up, so that others get their turn. Press Start for another one."


class LiveTick(Protocol):
    """What a session needs of ``bithuman_core.engine.EngineTick``: BGR uint8 [h, w, 3] or I420 [h * 3 / 2, w], and int16 [640]
    or None."""

    @property
    def frame(self) -> NDArray[np.uint8]: ...
    @property
    def audio(self) -> NDArray[np.int16] | None: ...


class LiveEngine(Protocol):
    """What a session needs of an engine: a tick with its picture, or without one (face, audio), and whether it speaks."""

    @property
    def speaking(self) -> bool: ...
    def step(self, samples: NDArray[np.int16] | None) -> LiveTick: ...
    def animate(self, samples: NDArray[np.int16] | None) -> tuple[Any, NDArray[np.int16] | None]: ...


class Listener(Protocol):
    """Who hears the visitor in the avatar's place, and is told what is played (int16 [640], once a tick) and the key of a clip
    that was spoken to its end."""

    def hear(self, samples: NDArray[np.int16]) -> None: ...
    def plays(self, voice: NDArray[np.int16]) -> None: ...
    def said(self, key: str) -> None: ...


@dataclass(frozen=True, slots=True)
class SharedResources:
    """What the sessions of a server share.

    ``make_engine`` is called in ``pool`` once a session (that has none of its own); ``clock`` is the machine's, or a test's.
    ``sessions`` are those that live; ``measure(work, fresh)`` is told of each of their ticks: its work in s, and whether its
    picture is a new one.
    """

    make_engine: Callable[[], LiveEngine]
    pool: Executor
    clock: Clock
    sessions: set[LiveSession] = field(default_factory=set)
    measure: Callable[[float, bool], None] = lambda work, fresh: None


class LiveSession:
    """Microphone in by :meth:`hear`, or a clip by :meth:`say`; pictures and the voice at 16 kHz out by the lines.

    ``tell(kind, data)`` sends a message to the visitor: ``"stats"`` once a second, ``"speaking"`` (bool) and ``"said"`` (the
    key of a clip that has ended) when it happens, ``"warning"`` (seconds) before the time is up, ``"error"`` with a sentence.
    ``drop_voice()`` drops what of the voice has left its line and is not sent yet. ``limit`` is the longest visit, s.
    """

    def __init__(self, shared: SharedResources, tell: Callable[[str, Any], None], drop_voice: Callable[[], None]) -> None:
        self.pictures: SendQueue[Any] = SendQueue(head_start=3)  # what ``develop`` made of them
        self.voices: SendQueue[NDArray[np.int16]] = SendQueue(head_start=0)  # int16 [640]
        self.develop: Callable[[NDArray[np.uint8]], Any] = lambda picture: picture  # of a tick; called in the pool
        self.make_engine = shared.make_engine
        self.limit = math.inf
        self._arrived: float | None = None  # from when on the limit counts, s on the clock; None: from the first tick
        self._shared, self._tell, self._drop_voice = shared, tell, drop_voice
        self._microphone, self._script = MicrophoneJitterBuffer(), ClipQueue()
        self._commands: list[Callable[[Any], None]] = []
        self.engine: LiveEngine | None = None  # made with the first tick
        self._picture: Any = None  # the last good one, developed
        self._failures = 0
        self.phase = 0.0  # when in the 40 ms it ticks, s
        self._speaking = False
        self.heard_at = shared.clock.now()
        self._soundless = CLOSED_TICKS.stop  # ticks since the microphone's last sound
        self.listener: Listener | None = None  # who answers the visitor; None: the avatar says what it hears

    def hear(self, samples: NDArray[np.int16]) -> None:
        """Sound of the microphone, int16 [n] at 16 kHz."""
        self.stay()
        self._soundless = 0
        if self.listener is None:
            self._microphone.push(samples)
        else:
            self.listener.hear(samples)

    def arrive(self) -> None:
        """The time of the visit begins to count, whether or not anything of it is looked at."""
        self._arrived = self._shared.clock.now()

    def stay(self) -> None:
        """The visitor is still there."""
        self.heard_at = self._shared.clock.now()

    def say(self, clip: Clip) -> None:
        """Speak a clip from its beginning, and do its take; meanwhile the microphone is not listened to."""
        self.hush()
        self._script.play(clip)
        if (take := clip.motion) is not None:
            self.do(lambda engine: engine.follow(take))

    @property
    def spoken(self) -> int:
        """How many samples of the present clip were taken to be spoken."""
        return self._script.position

    def hush(self) -> int:
        """Stop speaking at once. Returns how many samples of a clip were spoken."""
        spoken = self._script.position
        self._script.stop()
        self.do(lambda engine: engine.hush())
        return spoken

    def tell(self, kind: str, data: Any) -> None:
        """Send the visitor a message."""
        self._tell(kind, data)

    def do(self, command: Callable[[Any], None]) -> None:
        """Call ``command`` with the engine, before its next step."""
        self._commands.append(command)

    async def run(self) -> None:
        """Live until the visitor is gone, the time is up, or the engine cannot go on."""
        self.phase = free_phase(session.phase for session in self._shared.sessions)
        self._shared.sessions.add(self)
        try:
            await self._run()
        finally:
            self._shared.sessions.discard(self)

    async def _run(self) -> None:
        clock = self._shared.clock
        self.heard_at = began = clock.now()
        start = began if self._arrived is None else self._arrived
        pacer, lateness, lagging, resync = Pacer(clock, MAX_BURST, self.phase), Lateness(), LipSyncDelay(), VoiceResync()
        stats = SessionStats(lambda: len(self._shared.sessions))
        voice, warned = SILENCE, False
        while self._failures < MAX_FAILURES and clock.now() - self.heard_at < DEAF_SECONDS:
            await pacer.wait()
            passed, began = clock.now() - began, clock.now()
            left = start + self.limit - began
            if left <= 0:
                self._tell("error", TIME_UP)
                return
            if left <= WARNING_SECONDS and not warned:
                warned = True
                self._tell("warning", round(left))
            if self._picture is not None:
                self.pictures.begin_tick(self._picture)
                self.voices.begin_tick(voice)
            if self.listener is not None:
                self.listener.plays(voice)
                self._hear_nothing(self.listener)
            fresh = lateness.draws(passed) or self._picture is None
            voice = lagging.push(await self._step(self._next_sound(), fresh))
            took = clock.now() - began
            if resync.due(passed, took, is_quiet(voice)):
                self._drop_voice()
            if self._picture is not None:
                self.pictures.end_tick(self._picture)
                self.voices.end_tick(voice)
            self._caption()
            stats.count(took, fresh, self._microphone.backlog)
            self._shared.measure(took, fresh)
            if stats.ticks == FPS:
                self._tell("stats", stats.take())
        if self._failures:
            self._tell("error", GAVE_UP)

    def _hear_nothing(self, listener: Listener) -> None:
        """Where the microphone was closed in the middle of a word, silence ends the turn; nothing else would."""
        if self._soundless in CLOSED_TICKS:
            listener.hear(SILENCE)
        self._soundless += 1

    def _next_sound(self) -> NDArray[np.int16] | None:
        heard, key = self._microphone.take(), self._script.key
        if key is None:
            return heard
        tick = self._script.take()
        if tick is None:
            self._tell("said", key)
            if self.listener is not None:
                self.listener.said(key)
        return tick

    def _caption(self) -> None:
        speaking = self.engine is not None and self.engine.speaking
        if speaking != self._speaking:
            self._speaking = speaking
            self._tell("speaking", speaking)

    async def _step(self, samples: NDArray[np.int16] | None, fresh: bool) -> NDArray[np.int16] | None:
        """One step of the engine in the pool, with a new picture where it is to be a fresh one. Returns the sound of the tick."""

        commands, self._commands = self._commands, []

        def work() -> tuple[LiveEngine, Any, NDArray[np.int16] | None]:
            engine = self.engine or self.make_engine()
            for command in commands:
                command(engine)
            if not fresh:
                return engine, self._picture, engine.animate(samples)[1]
            tick = engine.step(samples)
            return engine, self.develop(tick.frame), tick.audio

        future = asyncio.get_running_loop().run_in_executor(self._shared.pool, work)
        await asyncio.wait([future])
        if (error := future.exception()) is None:
            self.engine, self._picture, audio = future.result()
            self._failures = 0
            return audio
        logger.error("The engine of a session broke.", exc_info=error)
        self.engine = None
        self._failures += 1
        self._tell("error", CRASHED)
        return None

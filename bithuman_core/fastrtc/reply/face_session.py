"""The avatar of one connection on the 40 ms clock: what an app says goes in, pictures and the same sound come out."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bithuman_core.audio import StreamResampler
from bithuman_core.clock import Clock, Pacer
from bithuman_core.fastrtc.live_session import LiveEngine
from bithuman_core.fastrtc.media.jitter_buffer import is_quiet
from bithuman_core.fastrtc.media.lateness import MAX_BURST, Lateness
from bithuman_core.fastrtc.media.resync import VoiceResync
from bithuman_core.fastrtc.media.send_queue import SendQueue
from bithuman_core.fastrtc.reply.speech_queue import SpeechQueue, SpeechTick
from bithuman_core.render.scale import output_size, scaled
from bithuman_core.settings import settings
from bithuman_core.timing import LOOKAHEAD_TICKS, SAMPLES_PER_TICK

logger = logging.getLogger(__name__)

ABANDONED_SECONDS = 10.0  # connections ask for pictures and sound all the time: this long without, and it is gone


class FaceEngine(LiveEngine, Protocol):
    """What a session needs of ``AvatarEngine``."""

    def hush(self) -> None: ...


class FaceSession:
    """Speaks what ``speech`` holds. Pictures (BGR uint8 [h, w, 3]) and the voice, tick by tick, leave by the queues together.

    The voice keeps its own rate and does not pass through the engine, which only looks at it: an engine that fails costs
    pictures, never a word, and is replaced. ``make_engine`` is called in a thread of the session's own; ``drop_voice()`` drops
    what of the voice has left its queue and is not sent yet.
    """

    def __init__(
        self, make_engine: Callable[[], FaceEngine], rate: int, clock: Clock, drop_voice: Callable[[], None]
    ) -> None:  # fmt: skip
        self.speech = SpeechQueue(rate)
        self.pictures: SendQueue[NDArray[np.uint8]] = SendQueue(head_start=3)
        self.voices: SendQueue[SpeechTick] = SendQueue(head_start=0)
        self._make_engine, self._clock, self._drop_voice = make_engine, clock, drop_voice
        self._pool = ThreadPoolExecutor(1, "avatar")
        self._engine: FaceEngine | None = None
        self._failing = self._hushed = False
        self._picture: NDArray[np.uint8] | None = None  # the last good one
        self._ahead = deque([self.speech.silence] * LOOKAHEAD_TICKS)  # what the engine has heard and does not show yet
        self._lips = _LipSound(rate)
        self._asked_at = clock.now()

    def stay(self) -> None:
        """The connection is still there."""
        self._asked_at = self._clock.now()

    def hush(self) -> None:
        """Drop everything that is said and not sent yet."""
        self.speech.clear()
        self.voices.clear()
        self._drop_voice()
        self._ahead = deque(self.speech.silence for _ in self._ahead)
        self._hushed = True

    def close(self) -> None:
        """Release who waits for sound, and the thread."""
        self.voices.close(self.speech.silence)
        self._pool.shutdown(wait=False)

    async def run(self) -> None:
        """Live until nobody asks for pictures or sound any more."""
        clock, voice = self._clock, self.speech.silence
        pacer, lateness, resync = Pacer(clock, MAX_BURST), Lateness(), VoiceResync()
        self._asked_at = began = clock.now()
        while clock.now() - self._asked_at < ABANDONED_SECONDS:
            await pacer.wait()
            passed, began = clock.now() - began, clock.now()
            self.voices.begin_tick(voice)
            if self._picture is not None:
                self.pictures.begin_tick(self._picture)
            voice = await self._step(lateness.draws(passed))
            if resync.due(passed, clock.now() - began, is_quiet(voice.samples)):
                self._drop_voice()
            self.voices.end_tick(voice)
            if self._picture is not None:
                self.pictures.end_tick(self._picture)

    async def _step(self, draws: bool) -> SpeechTick:
        """One step of the engine, with a new picture where it draws one. Returns the voice of that picture."""
        newest = self.speech.take() if self.voices.flowing else self.speech.silence
        self._ahead.append(newest)
        hushed, self._hushed = self._hushed, False

        def work() -> None:
            lips = self._lips.push(newest.samples)
            engine = self._engine or self._make_engine()
            if hushed:
                engine.hush()
            if draws or self._picture is None:
                picture = engine.step(lips).frame
                self._picture = scaled(picture, output_size((picture.shape[1], picture.shape[0]), settings().OUTPUT_WIDTH))
            else:
                engine.animate(lips)
            self._engine = engine

        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        await asyncio.wait([future])
        error = future.exception()
        if error is not None:
            self._engine = None
            if not self._failing:
                logger.error("The avatar's engine broke and is started again.", exc_info=error)
        self._failing = error is not None
        return self._ahead.popleft()


class _LipSound:
    """The voice at 16 kHz, int16 [640] a tick, for the engine: as late as the filter needs (2 ms)."""

    def __init__(self, rate: int) -> None:
        self._resampler = StreamResampler(rate)
        self._held: NDArray[np.int16] | None = None

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """One tick."""
        ready = self._resampler.push(samples)
        if self._held is None:  # what the filter keeps back of the first tick; silence in its place makes every tick whole
            self._held = np.zeros(SAMPLES_PER_TICK - ready.size, np.int16)
        ready = np.concatenate([self._held, ready])
        self._held = ready[SAMPLES_PER_TICK:]
        return ready[:SAMPLES_PER_TICK]

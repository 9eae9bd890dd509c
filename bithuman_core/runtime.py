"""AsyncBithuman: a session on the play clock. Sound goes in as it comes, a frame comes out every 40 ms, always."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.clock import Clock, MonotonicClock, Pacer
from bithuman_core.engine import Engine, Fixture
from bithuman_core.errors import RuntimeNotReadyError
from bithuman_core.session import Session
from bithuman_core.settings import Settings, models_dir, settings
from bithuman_core.timing import FPS, SAMPLE_RATE, SAMPLES_PER_TICK
from bithuman_core.types import VideoControl, VideoFrame

DEFAULT_AVATAR = "mara.imx"


class _Interrupted:
    """Returned by :meth:`AsyncBithuman.interrupt`, so that ``await runtime.interrupt()`` works as well."""

    def __await__(self) -> Any:
        return iter(())


class AsyncBithuman:
    """A talking avatar for asyncio code. Make one with :meth:`create`; ``async with`` frees it.

    Push int16 mono at any rate with :meth:`push_audio`, end an utterance with :meth:`flush`, iterate :meth:`run` for frames.
    """

    def __init__(self, fixture: Fixture, *, output_buffer_size: int = 6, seed: int = 0, clock: Clock | None = None) -> None:
        """Use :meth:`create` instead, unless several runtimes share one ``fixture``."""
        self._fixture: Fixture | None = fixture
        self._size = fixture.rig.size
        self._seed = seed
        self._burst = output_buffer_size
        self._clock = clock or MonotonicClock()
        self._session = Session(Engine(fixture, seed))
        self._executor = ThreadPoolExecutor(1, "bithuman-frame")
        self._consumer: object | None = None

    @classmethod
    async def create(
        cls, *, model_path: str | Path | None = None, output_buffer_size: int = 6, seed: int = 0, clock: Clock | None = None
    ) -> AsyncBithuman:
        """Load an avatar and get ready to run.

        model_path: an ``.imx`` file (BITHUMAN_MODEL_PATH, else the shipped Mara, where it is left out).
        output_buffer_size: how many frames may follow at once after the consumer stalled. seed: of the idle motion.
        clock: replaces the machine's clock in tests. Raises ModelError.
        """
        path = Path(model_path or settings().model_path or models_dir() / DEFAULT_AVATAR)
        fixture = await asyncio.get_running_loop().run_in_executor(None, Fixture.load, path)
        return cls(fixture, output_buffer_size=output_buffer_size, seed=seed, clock=clock)

    # -- what one may know -------------------------------------------------------------------------------------------
    @property
    def settings(self) -> Settings:
        """FPS, INPUT_SAMPLE_RATE and the other settings."""
        return settings()

    fps = property(lambda self: FPS, doc="Frames a second (25).")
    sample_rate = property(lambda self: SAMPLE_RATE, doc="Rate of the sound in the frames, Hz (16000).")
    samples_per_tick = property(lambda self: SAMPLES_PER_TICK, doc="Samples a frame (640).")
    frame_width = property(lambda self: self._size[0], doc="Width of the frames, px.")
    frame_height = property(lambda self: self._size[1], doc="Height of the frames, px.")

    def get_frame_size(self) -> tuple[int, int]:
        """(width, height) of the frames in px, known from the start."""
        return self._size

    def get_first_frame(self) -> NDArray[np.uint8]:
        """A picture of the avatar at rest, BGR uint8 [h, w, 3]; the session does not advance."""
        return Engine(self._ready(), self._seed).step(None).frame

    # -- sound in ----------------------------------------------------------------------------------------------------
    async def push_audio(self, data: bytes | NDArray[Any], sample_rate: int, last_chunk: bool = True) -> None:
        """Speak: int16 little-endian mono bytes, or an array (int16 or float, any channel count), at any rate in Hz.

        ``last_chunk`` ends the utterance (as :meth:`flush` does). Raises AudioError or RuntimeNotReadyError.
        """
        self._ready()
        self._session.push(data, sample_rate, last=last_chunk)

    async def push(self, control: VideoControl) -> None:
        """Take a control: its sound is spoken under its message id, its action is played, its emotions are shown.

        Raises ValueError for an unknown gesture (listing the known ones) or emotion; nothing of the control is then done.
        """
        self._ready()
        self._session.perform(control)
        if control.audio is not None:
            last = control.audio.last_chunk or control.end_of_speech
            self._session.push(control.audio.data, control.audio.sample_rate, last=last, message_id=control.message_id)
        elif control.end_of_speech:
            self._session.flush()

    def set_stillness(self, stillness: float) -> None:
        """How calm the avatar is: 0 (lively) to 1 (only speech, blinks and breath move). Raises ValueError outside."""
        self._session.set_stillness(stillness)

    def set_listening(self, listening: bool) -> None:
        """Tell whether the user is speaking: the avatar then looks at them and nods now and then."""
        self._session.set_listening(listening)

    async def flush(self) -> None:
        """End the utterance: the rest plays, and its last frame has ``end_of_speech=True``."""
        self._ready()
        self._session.flush()

    def interrupt(self) -> _Interrupted:
        """Stop speaking now: sound that has not been shown is dropped. May be awaited."""
        self._ready()
        self._session.interrupt()
        return _Interrupted()

    # -- frames out --------------------------------------------------------------------------------------------------
    async def run(
        self, out_buffer_empty: Callable[[], bool] | None = None, *, idle_timeout: float | None = None
    ) -> AsyncIterator[VideoFrame]:
        """Frames at 25 a second until :meth:`stop`, :meth:`shutdown` or ``idle_timeout`` seconds without speech.

        While nothing is said the frames are idle ones without sound. One consumer at a time (RuntimeNotReadyError).
        ``out_buffer_empty`` is accepted for compatible callers; frames are made when they are asked for and due.
        """
        self._ready()
        if self._consumer is not None:
            raise RuntimeNotReadyError("Another task iterates run() already: stop() that one first, or create a second runtime.")
        me = self._consumer = object()
        loop = asyncio.get_running_loop()
        pacer = Pacer(self._clock, self._burst)
        quiet_since = self._clock.now()
        try:
            while True:
                await pacer.wait()
                if self._consumer is not me:
                    return
                frame = await loop.run_in_executor(self._executor, self._session.next_frame)
                if self._consumer is not me:
                    return
                if frame.audio_chunk is not None or self._session.waiting_samples:
                    quiet_since = self._clock.now()
                elif idle_timeout is not None and self._clock.now() - quiet_since >= idle_timeout:
                    return
                yield self._session.release(frame)
        finally:
            if self._consumer is me:
                self._consumer = None

    # -- life --------------------------------------------------------------------------------------------------------
    async def start(self) -> None:
        """Make the first frame, so that run() begins without delay."""
        await asyncio.get_running_loop().run_in_executor(self._executor, self.get_first_frame)

    async def stop(self) -> None:
        """End a running :meth:`run` and drop what is left to say. The avatar stays loaded and can run again."""
        self._consumer = None
        self._session.interrupt()

    async def shutdown(self) -> None:
        """Free everything, also while another task iterates :meth:`run`: the iteration then ends."""
        self.cleanup()

    async def close(self) -> None:
        """The same as :meth:`shutdown`."""
        self.cleanup()

    def cleanup(self) -> None:
        """Free everything at once. Calling it again does nothing."""
        self._consumer = None
        self._fixture = None
        self._executor.shutdown(wait=False)

    def _ready(self) -> Fixture:
        if self._fixture is None:
            raise RuntimeNotReadyError("This runtime was shut down: create a new one.")
        return self._fixture

    async def __aenter__(self) -> AsyncBithuman:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.shutdown()

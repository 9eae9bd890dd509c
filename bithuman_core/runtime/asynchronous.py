"""AsyncBithuman: a session on the play clock. Sound goes in as it comes, a frame comes out every 40 ms, always."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.background import Background
from bithuman_core.clock import Clock, MonotonicClock, Pacer
from bithuman_core.engine import Fixture
from bithuman_core.errors import RuntimeNotReadyError
from bithuman_core.motion.take.arrays import Motion, take_of
from bithuman_core.render.scale import longest
from bithuman_core.runtime.controls import Controls, chosen_scene, load_avatar, open_access, set_log_level
from bithuman_core.runtime.token_client import Access
from bithuman_core.settings import settings
from bithuman_core.timing import SAMPLES_PER_TICK
from bithuman_core.types import AudioChunk, VideoControl, VideoFrame

LEFT_TURNS = 20  # of the event loop: two for each generator around run(), each of which lets go of the next one


class Awaitable:
    """Returned by calls that are done already, so that ``await runtime.interrupt()`` works as well."""

    def __await__(self) -> Generator[Any, None, None]:
        yield from ()


class AsyncBithuman(Controls):
    """A talking avatar for asyncio code. Make one with :meth:`create`; ``async with`` frees it.

    Push int16 mono at any rate with :meth:`push_audio`, end an utterance with :meth:`flush`, iterate :meth:`run` for frames.
    Every call belongs on the event loop that iterates :meth:`run`.
    """

    def __init__(
        self, fixture: Fixture, *, input_buffer_size: int = 0, output_buffer_size: int = 6,
        output_size: int | tuple[int, int] | None = None, seed: int = 0, clock: Clock | None = None, access: Access | None = None,
        measure: Callable[[float], None] = lambda work: None,
    ) -> None:  # fmt: skip
        """Use :meth:`create` instead, unless several runtimes share one ``fixture``. measure: is told the work of a frame, s."""
        super().__init__(fixture, output_size=output_size, seed=seed, access=access)
        self._burst = output_buffer_size
        self._input_samples = input_buffer_size * SAMPLES_PER_TICK
        self._clock, self._measure = clock or MonotonicClock(), measure
        self._executor = ThreadPoolExecutor(1, "bithuman-frame")
        self._consumer: object | None = None
        self._taken = asyncio.Event()  # a frame was made, or waiting is over
        self._idle_timeout: float | None = None

    @classmethod
    async def create(
        cls, *, model_path: str | Path | None = None, token: str | None = None, api_secret: str | None = None,
        api_url: str | None = None, tags: str | None = "bithuman", insecure: bool = False, input_buffer_size: int = 0,
        output_buffer_size: int = 6, num_threads: int = 0, verbose: bool | None = None, batch_workers: int = 1,
        quality: str = "medium", identity: str | None = None, output_size: int | tuple[int, int] | None = None,
        agent_code: str | None = None, billing_type: str | None = None, fingerprint: str | None = None, seed: int = 0,
        clock: Clock | None = None,
    ) -> AsyncBithuman:  # fmt: skip
        """Load an avatar and get ready to run.

        model_path: an ``.imx`` file (BITHUMAN_MODEL_PATH, else the shipped Mara, where it is left out), or a photo, of which
        an avatar is built (once; BITHUMAN_CONSENT says who agreed to it).
        input_buffer_size: frames (40 ms) of sound that may wait before :meth:`push_audio` waits for :meth:`run`; 0: an hour.
        output_buffer_size: how many frames may follow at once after the consumer stalled.
        output_size: longest side of the frames in px, or (width, height); the avatar's own where it is left out.
        verbose: log what happens (BITHUMAN_VERBOSE, BITHUMAN_LOG_LEVEL). seed: of the idle motion. clock: replaces the
        machine's clock in tests.
        token, api_secret, api_url, insecure: for a token server of your own (see BITHUMAN_API_URL); nobody is asked otherwise.
        tags, num_threads, batch_workers, quality, identity, agent_code, billing_type, fingerprint: accepted for compatible
        callers; there is one quality, one thread is enough, and nothing is billed.
        Raises ModelError, TokenError, ValueError for sizes out of range.
        """
        set_log_level(verbose)
        loop = asyncio.get_running_loop()
        access = await loop.run_in_executor(None, open_access, api_url, api_secret, token, insecure)
        least = longest(output_size or settings().OUTPUT_WIDTH)
        fixture = await loop.run_in_executor(None, load_avatar, model_path, least)
        return cls(fixture, input_buffer_size=input_buffer_size, output_buffer_size=output_buffer_size,
                   output_size=output_size, seed=seed, clock=clock, access=access)  # fmt: skip

    # -- sound in ----------------------------------------------------------------------------------------------------
    async def push_audio(self, data: bytes | NDArray[Any], sample_rate: int, last_chunk: bool = True) -> None:
        """Speak: int16 little-endian mono bytes, or an array (int16 or float, any channel count), at any rate in Hz.

        Bytes may be cut anywhere, also in the middle of a sample. ``last_chunk`` ends the utterance (as :meth:`flush` does).
        Raises AudioError or RuntimeNotReadyError.
        """
        await self._room()
        self._session.push(data, sample_rate, last=last_chunk)

    async def push_motion(self, coefficients: Motion, head: Motion | None = None) -> None:
        """Move the face: ARKit coefficients at 25 frames a second, which go in step with the sound of :meth:`push_audio`.

        coefficients: float [n, 52] (or [52]) in the order of ``bithuman_core.face.ARKIT_NAMES``, or a mapping of names to numbers
        or float [n]; a mapping drives what it names, the rest lives on. head: float [n, 3] yaw, pitch, roll in degrees, or [n, 6]
        with X, Y, Z in face widths, or a mapping of ``HEAD_NAMES``; None: the head lives on. What is beyond 0..1 is clipped.
        Motion that names nothing but the mouth stands in for what the speech would make of it; other motion is followed to the
        number. Each frame of it takes one tick, with the sound that is due then, or in silence; it waits for the sound of an
        utterance that goes on, so push it before the sound that belongs to it. :meth:`interrupt` drops it; where it ends the
        avatar's own life goes on within half a second. An hour may wait. Raises MotionError or RuntimeNotReadyError.
        """
        self._ready()
        self._session.push_motion(take_of(coefficients, head))

    async def push(self, control: VideoControl) -> None:
        """Take a control: its sound is spoken under its message id, its action is played, its emotions are shown.

        ``target_video`` names a style of the idle motion (``idle``, ``calm``). Raises ValueError for an unknown gesture, style
        (listing the known ones) or emotion; nothing of the control is then done.
        """
        await self._room()
        self._take(control)

    async def _room(self) -> None:
        """Wait while as much sound waits as may (``input_buffer_size``)."""
        self._ready()
        while self._input_samples and self._session.waiting_samples >= self._input_samples:
            self._taken.clear()
            await self._taken.wait()
            self._ready()

    def set_idle_timeout(self, seconds: float | None) -> None:
        """End :meth:`run` after this many seconds without speech; None: never."""
        self._idle_timeout = seconds

    async def flush(self) -> None:
        """End the utterance: the rest plays, and its last frame has ``end_of_speech=True``."""
        self._ready()
        self._session.flush()

    def interrupt(self) -> Awaitable:
        """Stop speaking now: sound and motion that have not been shown are dropped. May be awaited."""
        self._ready()
        self._session.interrupt()
        self._taken.set()
        return Awaitable()

    # -- frames out --------------------------------------------------------------------------------------------------
    async def run(
        self, out_buffer_empty: Callable[[], bool] | None = None, *, idle_timeout: float | None = None, loop: Any = None
    ) -> AsyncIterator[VideoFrame]:
        """Frames at 25 a second until :meth:`stop`, :meth:`shutdown` or ``idle_timeout`` seconds without speech.

        While nothing is said the frames are idle ones without sound. One consumer at a time (RuntimeNotReadyError); after a
        ``break`` the next :meth:`run` goes on from there. Raises TokenError where a token server of your own ends the access.
        ``out_buffer_empty`` and ``loop`` are accepted for compatible callers; frames are made when they are asked for and due.
        """
        me = await self._begin()
        pacer = Pacer(self._clock, self._burst)
        quiet_since = self._clock.now()
        try:
            while True:
                await pacer.wait()
                frame = await self._make(me)
                if frame is None:
                    return
                timeout = self._idle_timeout if idle_timeout is None else idle_timeout
                if frame.audio_chunk is not None or self._session.waiting_samples or self._session.waiting_motion:
                    quiet_since = self._clock.now()
                elif timeout is not None and self._clock.now() - quiet_since >= timeout:
                    return
                yield self._session.release(frame)
        finally:
            self._end(me)

    async def process_audio_chunk(self, chunk: AudioChunk) -> AsyncIterator[VideoFrame]:
        """The frames of one chunk of sound, as fast as they can be made.

        Where the chunk is not the last one, the frames of its last 80 ms come with the next chunk: so far the lips look ahead.
        """
        me = await self._begin()
        try:
            self._session.push(chunk.data, chunk.sample_rate, last=chunk.last_chunk)
            while self._session.pending(chunk.last_chunk):
                frame = await self._make(me)
                if frame is None:
                    return
                if frame.audio_chunk is not None:
                    yield self._session.release(frame)
        finally:
            self._end(me)

    async def _begin(self) -> object:
        self._ready()
        for _ in range(LEFT_TURNS):  # one that was left with break is closed by the loop, in its next turns
            if self._consumer is None:
                break
            await asyncio.sleep(0)
        self._ready()
        if self._consumer is not None:
            raise RuntimeNotReadyError("Another task iterates run() already: stop() that one first, or create a second runtime.")
        self._consumer = object()
        return self._consumer

    async def _make(self, me: object) -> VideoFrame | None:
        """The next frame, or None where the iteration was ended meanwhile."""
        if self._consumer is not me:
            return None
        self._check_access()
        began = time.perf_counter()
        frame = await asyncio.get_running_loop().run_in_executor(self._executor, self._session.next_frame)
        self._measure(time.perf_counter() - began)
        self._taken.set()
        return frame if self._consumer is me else None

    def _end(self, me: object) -> None:
        if self._consumer is me:
            self._consumer = None

    # -- life --------------------------------------------------------------------------------------------------------
    async def set_model(self, model_path: str | Path) -> AsyncBithuman:
        """Become another avatar, also while :meth:`run` is iterated: the pictures cross-fade, what is being said goes on.

        Frames keep their size, and the background that was chosen. Raises ModelError, or BackgroundError for a film without a
        matte where another background than its own was chosen; the avatar then stays what it is.
        """
        old = self._ready()
        loop, side = asyncio.get_running_loop(), max(self._session.size)
        fixture = await loop.run_in_executor(None, load_avatar, model_path, side, old.net)
        scene = await loop.run_in_executor(None, self._session.scene, fixture)
        self._ready()
        self._fixture = fixture
        self._session.change(fixture, scene)
        return self

    async def set_background(self, background: Background | str | Path | NDArray[np.uint8]) -> AsyncBithuman:
        """Stand before another background from the next frame on, also while :meth:`run` is iterated.

        background: ``"photo"`` (its own), ``"blur"`` (that one, blurred), ``"transparent"``, ``"#rrggbb"``, the file of a
        picture, or RGB uint8 [h, w, 3]. Before a transparent one ``frame.bgra_image`` has the alpha, and ``frame.bgr_image`` is
        over black. It stays when :meth:`set_model` changes the avatar. Raises BackgroundError for a picture that cannot be read,
        a colour that is none, and a film without a matte; the background then stays what it is.
        """
        fixture, loop = self._ready(), asyncio.get_running_loop()
        chosen, scene = await loop.run_in_executor(None, chosen_scene, fixture, background)
        if self._ready() is not fixture:  # the avatar was changed meanwhile
            return await self.set_background(chosen)
        self._session.show(chosen, scene)
        return self

    async def load_data_async(self) -> None:
        """The same as :meth:`load_data`."""
        self._ready()

    async def start(self) -> None:
        """Make the first frame, so that run() begins without delay."""
        self._ready()
        await asyncio.get_running_loop().run_in_executor(self._executor, self.get_first_frame)

    async def stop(self) -> None:
        """End a running :meth:`run` and drop what is left to say. The avatar stays loaded and can run again."""
        self._consumer = None
        self._session.interrupt()
        self._taken.set()

    async def shutdown(self) -> None:
        """Free everything, also while another task iterates :meth:`run`: the iteration then ends."""
        self.cleanup()

    async def close(self) -> None:
        """The same as :meth:`shutdown`."""
        self.cleanup()

    def cleanup(self) -> None:
        """Free everything at once. Calling it again does nothing."""
        self._consumer = None
        self._executor.shutdown(wait=False)
        self._taken.set()
        self._release()

    async def _initialize_token(self) -> None:
        if self._access is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._access.open)

    async def __aenter__(self) -> AsyncBithuman:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.shutdown()

"""Bithuman: the same avatar for code without asyncio, in both generations of the compatible interface."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.audio import resample
from bithuman_core.background import Background
from bithuman_core.engine import Fixture, cut_into_ticks, render_ticks
from bithuman_core.errors import RuntimeNotReadyError
from bithuman_core.motion.take.arrays import Motion, take_of
from bithuman_core.pcm import float32_to_int16, mono_int16
from bithuman_core.render.scale import longest, scaled_layer
from bithuman_core.render.scale import output_size as frame_size
from bithuman_core.runtime.controls import Controls, chosen_scene, load_avatar, open_access, set_log_level
from bithuman_core.runtime.token_client import Access
from bithuman_core.settings import settings
from bithuman_core.timing import SAMPLE_RATE, TICK_SECONDS
from bithuman_core.types import VideoControl, VideoFrame


@dataclass(frozen=True, slots=True)
class ComposedFrame:
    """One frame of :meth:`Bithuman.compose`: BGR uint8 [h, w, 3], its number from 0, and, before a transparent background, its
    alpha uint8 [h, w], which the colours are times."""

    bgr: NDArray[np.uint8]
    frame_idx: int
    alpha: NDArray[np.uint8] | None = None


class Bithuman(Controls):
    """A talking avatar for code without asyncio. Make one with :meth:`create` or :meth:`load`; ``with`` frees it.

    Input may come from another thread than the one that iterates :meth:`run`.
    """

    def __init__(
        self, fixture: Fixture, *, output_buffer_size: int = 6, output_size: int | tuple[int, int] | None = None, seed: int = 0,
        access: Access | None = None, now: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        """Use :meth:`create` instead, unless several runtimes share one ``fixture``. now, sleep: the machine's, or a test's."""
        super().__init__(fixture, output_size=output_size, seed=seed, access=access)
        self._burst = max(output_buffer_size, 1)
        self._now, self._sleep = now, sleep
        self._consumer: object | None = None
        self._idle_timeout: float | None = None

    @classmethod
    def create(
        cls, *, model_path: str | Path | None = None, token: str | None = None, api_secret: str | None = None,
        api_url: str | None = None, tags: str | None = "bithuman", insecure: bool = False, input_buffer_size: int = 0,
        output_buffer_size: int = 6, num_threads: int = 0, verbose: bool | None = None, batch_workers: int = 1,
        quality: str = "medium", identity: str | None = None, output_size: int | tuple[int, int] | None = None,
        agent_code: str | None = None, billing_type: str | None = None, fingerprint: str | None = None, seed: int = 0,
    ) -> Bithuman:  # fmt: skip
        """As :meth:`AsyncBithuman.create` (``input_buffer_size`` is accepted; as much as an hour of sound may wait)."""
        set_log_level(verbose)
        access = open_access(api_url, api_secret, token, insecure)
        fixture = load_avatar(model_path, longest(output_size or settings().OUTPUT_WIDTH))
        return cls(fixture, output_buffer_size=output_buffer_size, output_size=output_size, seed=seed, access=access)

    @classmethod
    def load(cls, model_path: str | Path, api_secret: str | None = None, **options: Any) -> Bithuman:
        """The same as :meth:`create`, named as in the other generation of the interface."""
        return cls.create(model_path=model_path, api_secret=api_secret, **options)

    def push_audio(self, data: bytes | NDArray[Any], sample_rate: int, last_chunk: bool = True) -> None:
        """Speak, as :meth:`AsyncBithuman.push_audio`. Raises AudioError or RuntimeNotReadyError."""
        self._ready()
        self._session.push(data, sample_rate, last=last_chunk)

    def push_motion(self, coefficients: Motion, head: Motion | None = None) -> None:
        """Move the face, as :meth:`AsyncBithuman.push_motion`. Raises MotionError or RuntimeNotReadyError."""
        self._ready()
        self._session.push_motion(take_of(coefficients, head))

    def push(self, control: VideoControl) -> None:
        """Take a control, as :meth:`AsyncBithuman.push`. Raises ValueError for unknown names."""
        self._ready()
        self._take(control)

    def flush(self) -> None:
        """End the utterance: the rest plays, and its last frame has ``end_of_speech=True``."""
        self._ready()
        self._session.flush()

    def interrupt(self) -> None:
        """Stop speaking now: sound and motion that have not been shown are dropped."""
        self._ready()
        self._session.interrupt()

    def set_idle_timeout(self, seconds: float | None) -> None:
        """End :meth:`run` after this many seconds without speech; None: never."""
        self._idle_timeout = seconds

    def run(
        self, out_buffer_empty: Callable[[], bool] | None = None, *, idle_timeout: float | None = None
    ) -> Iterator[VideoFrame]:
        """Frames at 25 a second, as :meth:`AsyncBithuman.run`; it sleeps between them."""
        self._ready()
        if self._consumer is not None:
            raise RuntimeNotReadyError("Somebody iterates run() already: stop() that one first, or create a second runtime.")
        me = self._consumer = object()
        due = quiet_since = self._now()
        try:
            while self._consumer is me:
                if (wait := due - self._now()) > 0:
                    self._sleep(wait)
                due = max(due, self._now() - self._burst * TICK_SECONDS) + TICK_SECONDS
                if self._consumer is not me:
                    return
                self._check_access()
                frame = self._session.release(self._session.next_frame())
                timeout = self._idle_timeout if idle_timeout is None else idle_timeout
                if frame.audio_chunk is not None or self._session.waiting_samples or self._session.waiting_motion:
                    quiet_since = self._now()
                elif timeout is not None and self._now() - quiet_since >= timeout:
                    return
                yield frame
        finally:
            if self._consumer is me:
                self._consumer = None

    def compose(
        self, audio: NDArray[Any] | str | Path, output_size: int | tuple[int, int] | None = None, sample_rate: int = SAMPLE_RATE
    ) -> Iterator[ComposedFrame]:
        """Every frame of a whole clip, 25 a second of sound, as fast as they can be made.

        audio: samples (int16 or float) at ``sample_rate`` Hz, or an audio file. Raises AudioError, ValueError for a bad size.
        """
        fixture = self._ready()
        size = frame_size(fixture.rig.size, output_size or self._session.size)
        ticks = render_ticks(fixture, clip_ticks(audio, sample_rate), self._seed, background=self._session.background)
        for index, tick in enumerate(ticks):
            picture, alpha = scaled_layer(tick.frame, tick.alpha, size)
            yield ComposedFrame(picture, index, alpha)

    def set_model(self, model_path: str | Path) -> Bithuman:
        """Become another avatar; the pictures cross-fade. Raises ModelError or BackgroundError; it then stays what it is."""
        fixture = load_avatar(model_path, max(self._session.size), self._ready().net)
        scene = self._session.scene(fixture)
        self._fixture = fixture
        self._session.change(fixture, scene)
        return self

    def set_background(self, background: Background | str | Path | NDArray[np.uint8]) -> Bithuman:
        """Stand before another background from the next frame on, as :meth:`AsyncBithuman.set_background`, also in
        :meth:`compose`. Raises BackgroundError."""
        self._session.show(*chosen_scene(self._ready(), background))
        return self

    def start(self) -> None:
        """Make the first frame, so that run() begins without delay."""
        self.get_first_frame()

    def stop(self) -> None:
        """End a running :meth:`run` and drop what is left to say. The avatar stays loaded and can run again."""
        self._consumer = None
        self._session.interrupt()

    def shutdown(self) -> None:
        """Free everything; a running :meth:`run` ends."""
        self.cleanup()

    close = shutdown

    def cleanup(self) -> None:
        """Free everything at once. Calling it again does nothing."""
        self._consumer = None
        self._release()

    def __enter__(self) -> Bithuman:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.cleanup()


Runtime = Bithuman  # Runtime(fixture): one more cheap session on an avatar that is loaded already


def clip_ticks(audio: NDArray[Any] | str | Path, sample_rate: int) -> Iterator[NDArray[np.int16]]:
    """A whole clip in ticks, int16 [640] mono at 16 kHz, from samples or, block by block, from a file. Raises AudioError."""
    if isinstance(audio, str | Path):
        from bithuman_core.audio import AudioFile  # brings FFmpeg in

        return AudioFile(audio).ticks()
    samples = mono_int16(audio)
    if sample_rate != SAMPLE_RATE:
        samples = float32_to_int16(resample(samples / 32768.0, sample_rate, SAMPLE_RATE))
    return cut_into_ticks(samples)

"""The avatar in a Pipecat pipeline: the voice of the TTS goes in, pictures and the same voice come out.

Needs the extra: ``pip install 'bithuman-core[pipecat]'`` (Python 3.11 or later).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

try:
    from pipecat.frames.frames import (
        CancelFrame,
        EndFrame,
        Frame,
        InterruptionFrame,
        OutputImageRawFrame,
        StartFrame,
        TTSAudioRawFrame,
        TTSStoppedFrame,
        UserStartedSpeakingFrame,
        UserStoppedSpeakingFrame,
    )
    from pipecat.processors.frame_processor import FrameDirection
    from pipecat.services.ai_service import AIService
    from pipecat.services.settings import ServiceSettings
    from pipecat.utils.errors import ErrorCategory
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "bithuman_core.pipecat needs Pipecat: pip install 'bithuman-core[pipecat]' (Python 3.11 or later).", name=error.name
    ) from error

from bithuman_core.errors import AccountStatusError, AudioError, BithumanError, RuntimeNotReadyError, TokenError
from bithuman_core.pcm import raw_bytes
from bithuman_core.runtime import AsyncBithuman
from bithuman_core.timing import LOOKAHEAD_TICKS
from bithuman_core.types import AudioChunk, VideoControl, VideoFrame

QUIET_TICKS = LOOKAHEAD_TICKS + 3  # idle frames after its end that prove a reply without any sound to be over


@dataclass(eq=False)
class _Reply:
    """What the bot is saying: which frames are its own, and what waits until the last of them has been shown."""

    control: VideoControl  # its message id is on the frames
    context_id: str | None
    ended: bool = False  # the TTS has said all of it
    heard: bool = False
    quiet: int = 0  # idle frames since it ended
    stops: list[Frame] = field(default_factory=list)


@dataclass(eq=False)
class _Sound:
    """The sound of a frame on its way out."""

    frame: TTSAudioRawFrame
    reply: _Reply
    last: bool  # of its reply


class BitHumanVideoService(AIService):
    """A face for a Pipecat bot. Place it between the TTS and ``transport.output()``.

    Takes TTSAudioRawFrame. Gives, 25 times a second, an OutputImageRawFrame (RGB) and, while speaking, the TTSAudioRawFrame of
    exactly that picture (16 kHz mono); TTSStoppedFrame follows the last sound. An InterruptionFrame drops everything that is not
    shown yet. It opens with StartFrame and frees the avatar with EndFrame (after the last word), CancelFrame or cleanup.
    Where the avatar cannot start, an ErrorFrame goes upstream and the voice passes through without a picture.
    """

    def __init__(
        self,
        *,
        model_path: str | Path | None = None,
        api_secret: str | None = None,
        runtime_factory: Callable[[], Awaitable[AsyncBithuman]] | None = None,
        sync_video_to_audio: bool = True,
        audio_passthrough_on_error: bool = True,
        stop_frame_timeout_s: float = 2.0,
        end_drain_timeout_s: float = 30.0,
        settings: ServiceSettings | None = None,
        **kwargs: Any,
    ) -> None:
        """The arguments of ``pipecat-bithuman``'s service.

        model_path: an ``.imx`` file (BITHUMAN_MODEL_PATH, else the shipped avatar). api_secret: only for a token server of your
        own. runtime_factory: makes the runtime instead. sync_video_to_audio: the transport takes up a picture when the sound
        before it has been sent, and draws it at its next refresh. That is half a tick late and more, so pictures then go one tick
        ahead of their sound; leave ``video_out_is_live`` off. audio_passthrough_on_error: whether the bot goes on speaking
        without a face. end_drain_timeout_s: how long an EndFrame waits for the last words. stop_frame_timeout_s: accepted; the
        runtime says which frame is the last one. kwargs: of AIService.
        """
        own = ServiceSettings(model=None)
        if settings is not None:
            own.apply_update(settings)
        super().__init__(settings=own, **kwargs)
        self._make = runtime_factory or (lambda: AsyncBithuman.create(model_path=model_path, api_secret=api_secret))
        self._sync_video = sync_video_to_audio
        self._passthrough = audio_passthrough_on_error
        self._drain_seconds = end_drain_timeout_s
        self._runtime: AsyncBithuman | None = None  # none before the start, after the end, and where it failed
        self._showing: asyncio.Task[None] | None = None
        self._replies: deque[_Reply] = deque()
        self._half = b""  # the beginning of a sample that the TTS cut in two,
        self._half_of: tuple[str | None, int, int] | None = None  # and the stream it belongs to
        self._held: _Sound | None = None  # until the next picture has gone ahead
        self._drained = asyncio.Event()
        self._drained.set()

    @property
    def runtime(self) -> AsyncBithuman | None:
        """The avatar's runtime between start and end, for gestures and emotions."""
        return self._runtime

    @property
    def is_avatar_ready(self) -> bool:
        """Whether the avatar lives."""
        return self._runtime is not None

    @property
    def frame_size(self) -> tuple[int, int] | None:
        """(width, height) of the pictures once started: give it to the transport as video_out_width and video_out_height."""
        return None if self._runtime is None else self._runtime.get_frame_size()

    def can_generate_metrics(self) -> bool:
        """True: TTFB is from a reply's first sound in to its first frame out."""
        return True

    # -- life --------------------------------------------------------------------------------------------------------
    async def start(self, frame: StartFrame) -> None:
        """Open the avatar."""
        await super().start(frame)
        if self._runtime is None:
            try:
                self._runtime = await self._make()
            except (BithumanError, ValueError, OSError) as error:
                await self._fail("The avatar could not start", error)

    async def stop(self, frame: EndFrame) -> None:
        """Let the last words be spoken, then free the avatar."""
        await super().stop(frame)
        if self._runtime is not None and self._replies:
            await self._end_reply(self._runtime)
            _, waiting = await asyncio.wait([drained := asyncio.ensure_future(self._drained.wait())], timeout=self._drain_seconds)
            if waiting:
                drained.cancel()
        await self._free()

    async def cancel(self, frame: CancelFrame) -> None:
        """Free the avatar now."""
        await super().cancel(frame)
        await self._free()

    async def cleanup(self) -> None:
        """Free the avatar. Calling it again does nothing."""
        await super().cleanup()
        await self._free()

    async def _free(self) -> None:
        runtime, self._runtime = self._runtime, None
        showing, self._showing = self._showing, None
        if showing is not None and showing is not asyncio.current_task():
            await self.cancel_task(showing)
        if runtime is not None:
            await runtime.shutdown()
        self._forget()

    # -- in ----------------------------------------------------------------------------------------------------------
    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take what concerns the avatar, pass everything else on."""
        await super().process_frame(frame, direction)
        runtime = self._runtime
        if runtime is None and isinstance(frame, TTSAudioRawFrame) and direction is FrameDirection.DOWNSTREAM:
            if self._passthrough:
                await self.push_frame(frame, direction)
            return
        if runtime is None or direction is not FrameDirection.DOWNSTREAM:
            await self.push_frame(frame, direction)
            return
        if isinstance(frame, TTSAudioRawFrame):
            await self._speak(runtime, frame)
            return
        if isinstance(frame, TTSStoppedFrame) and self._replies:
            self._replies[-1].stops.append(frame)
            await self._end_reply(runtime)
            return
        if isinstance(frame, InterruptionFrame):
            self._forget()
            runtime.interrupt()
        elif isinstance(frame, UserStartedSpeakingFrame | UserStoppedSpeakingFrame):
            runtime.set_listening(isinstance(frame, UserStartedSpeakingFrame))
        await self.push_frame(frame, direction)
        if isinstance(frame, StartFrame) and self._showing is None:  # nobody below gets a picture before the start
            self._showing = self.create_task(self._show_all(runtime))

    async def _speak(self, runtime: AsyncBithuman, frame: TTSAudioRawFrame) -> None:
        stream = frame.context_id, frame.sample_rate, frame.num_channels
        if stream != self._half_of:
            await self._drop_half()
        try:
            data = self._half + (raw_bytes(frame.audio) or b"")
            whole = len(data) - len(data) % (2 * frame.num_channels)
            samples = np.frombuffer(data[:whole], "<i2").reshape(-1, frame.num_channels)
            chunk = AudioChunk(samples if frame.num_channels > 1 else samples[:, 0], frame.sample_rate, last_chunk=False)
        except (AudioError, ValueError) as error:
            await self.push_error("The TTS gave sound that cannot be used", error)
            return
        self._half, self._half_of = data[whole:], stream
        if not self._replies or self._replies[-1].ended:
            self._replies.append(_Reply(VideoControl(), frame.context_id))
            self._drained.clear()
            await self.start_ttfb_metrics()
        await runtime.push(VideoControl(audio=chunk, message_id=self._replies[-1].control.message_id))

    async def _end_reply(self, runtime: AsyncBithuman) -> None:
        if not self._replies[-1].ended:
            self._replies[-1].ended = True
            await self._drop_half()
            await runtime.flush()

    async def _drop_half(self) -> None:
        half, self._half = self._half, b""
        if half:
            await self.push_error("The TTS gave sound that cannot be used: it ended in the middle of a sample")

    def _forget(self) -> None:
        self._replies.clear()
        self._half = b""
        self._held = None
        self._drained.set()

    # -- out ---------------------------------------------------------------------------------------------------------
    async def _show_all(self, runtime: AsyncBithuman) -> None:
        try:
            async for frame in runtime.run():
                await self._show(frame)
        except BithumanError as error:
            await self._fail("The avatar stopped", error)
        finally:
            if self._runtime is runtime:  # it ended by itself: nothing will be shown any more, so nothing may wait for it
                self._runtime = None
                await runtime.shutdown()
                await self._release(len(self._replies))

    async def _show(self, frame: VideoFrame) -> None:
        if frame.rgb_image is not None:
            height, width, _ = frame.rgb_image.shape
            image = OutputImageRawFrame(np.ascontiguousarray(frame.rgb_image).tobytes(), (width, height), "RGB")
            image.sync_with_audio = self._sync_video
            await self.push_frame(image)
        await self._send_held()
        own = [i for i, reply in enumerate(self._replies) if reply.control.message_id == frame.source_message_id]
        await self._release(own[0] if own else 0)  # replies without any sound, which no frame was to end
        if not self._replies:
            return
        reply = self._replies[0]
        if frame.audio_chunk is not None and frame.source_message_id == reply.control.message_id:
            if not reply.heard:
                reply.heard = True
                await self.stop_ttfb_metrics()
            sound = TTSAudioRawFrame(frame.audio_chunk.bytes, frame.audio_chunk.sample_rate, 1, context_id=reply.context_id)
            self._held = _Sound(sound, reply, frame.end_of_speech)
            if not self._sync_video:
                await self._send_held()
        reply.quiet = reply.quiet + 1 if reply.ended and frame.audio_chunk is None else 0
        if reply.quiet >= QUIET_TICKS:
            await self._release(1)

    async def _send_held(self) -> None:
        held, self._held = self._held, None
        if held is None or held.reply not in self._replies:
            return
        await self.push_frame(held.frame)
        if held.last and held.reply in self._replies:
            await self._release(1)

    async def _release(self, count: int) -> None:
        """The first replies are over: what waited for their end goes on."""
        over = [self._replies.popleft() for _ in range(count)]
        for reply in over:
            for stop in reply.stops:
                await self.push_frame(stop)
        if not self._replies:
            self._drained.set()

    async def _fail(self, what: str, error: Exception) -> None:
        """Report once, upstream."""
        kind = ErrorCategory.INVALID_REQUEST
        if isinstance(error, TokenError):
            kind = ErrorCategory.AUTHORIZATION if isinstance(error, AccountStatusError) else ErrorCategory.AUTHENTICATION
        elif isinstance(error, RuntimeNotReadyError):
            kind = ErrorCategory.APPLICATION
        rest = "the bot goes on without a face" if self._passthrough else "the bot is silent"
        await self.push_error(f"{what} ({rest}): {error}", error, category=kind)

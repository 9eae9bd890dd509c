"""A FastRTC handler of sound alone, with a face."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Callable, Generator
from typing import Any, Literal, cast

import anyio.to_thread
import av
import numpy as np
from fastrtc import AsyncAudioVideoStreamHandler, AsyncStreamHandler, StreamHandler
from fastrtc.websocket import WebSocketDataChannel
from numpy.typing import NDArray

from bithuman_core.clock import MonotonicClock
from bithuman_core.fastrtc.reply.app_errors import AppErrors
from bithuman_core.fastrtc.reply.face_session import FaceEngine, FaceSession
from bithuman_core.fastrtc.reply.pump import ReplyPump
from bithuman_core.timing import FPS

logger = logging.getLogger(__name__)


class AvatarReplyHandler(AsyncAudioVideoStreamHandler):
    """What :func:`with_avatar` makes of ``handler``. Whatever it does not know itself it asks the handler for.

    FastRTC awaits ``emit`` and ``video_emit``, the latter even before ``start_up``; an exception out of either would end that
    track without a word, so none leaves this class. Over a WebSocket or a telephone, where nobody sees the face, the handler
    is asked directly.
    """

    def __init__(self, handler: StreamHandler | AsyncStreamHandler, make_engine: Callable[[], FaceEngine]) -> None:
        super().__init__(
            cast(Literal["mono", "stereo"], handler.expected_layout), handler.output_sample_rate,
            input_sample_rate=handler.input_sample_rate, fps=FPS,
        )  # fmt: skip
        self.handler = handler
        self._make_engine = make_engine
        self._session = FaceSession(make_engine, self.output_sample_rate, MonotonicClock(), self._drop_voice)
        self._pump = ReplyPump(handler, self._session.speech)
        self._receiving = AppErrors("receive")
        self._tasks: list[asyncio.Task[None]] = []
        self._begun = self._ended = False
        self._thread = 0  # of the event loop
        handler._clear_queue = self.hush

    def __getattr__(self, name: str) -> Any:
        if name == "handler":  # not there yet
            raise AttributeError(name)
        return getattr(self.handler, name)

    def copy(self) -> AvatarReplyHandler:
        """One for a new connection."""
        return AvatarReplyHandler(self.handler.copy(), self._make_engine)

    # -- the connection ------------------------------------------------------------------------------------------------
    @property
    def clear_queue(self) -> Callable[[], None]:
        """Fall silent now: what was to be said is dropped. The handler's own is the same."""
        return self.hush

    @property
    def phone_mode(self) -> bool:
        """Whether this is a telephone call."""
        return self.handler.phone_mode

    @phone_mode.setter
    def phone_mode(self, value: bool) -> None:
        self.handler.phone_mode = value

    @property
    def needs_args(self) -> bool:
        """Whether the page's inputs are asked for; FastRTC sets it on handlers that have it."""
        return self.handler.needs_args  # type: ignore[union-attr]

    @needs_args.setter
    def needs_args(self, value: bool) -> None:
        self.handler.needs_args = value  # type: ignore[union-attr]

    def set_channel(self, channel: Any) -> None:
        """FastRTC hands the data channel over, on the event loop, before it starts anything but the picture."""
        super().set_channel(channel)
        self._thread = threading.get_ident()
        self.handler._loop = self.loop
        self.handler.set_channel(channel)

    def set_args(self, args: list[Any]) -> None:
        """Additional inputs."""
        self.handler.set_args(args)

    def reset(self) -> None:
        """As the handler's."""
        with AppErrors("reset"):
            self.handler.reset()

    async def start_up(self) -> None:
        """The connection stands."""
        if not self._faceless:
            self._begin()
            self._tasks.append(asyncio.create_task(self._pump.run()))
        with AppErrors("start_up"):
            await self._call(self.handler.start_up)

    def shutdown(self) -> None:
        """The connection is closed. Calling it again does nothing."""
        if self._ended:
            return
        self._ended = True
        for task in self._tasks:
            task.cancel()
        self._session.close()
        self._pump.close()
        with AppErrors("shutdown"):
            ending = self.handler.shutdown()
            if inspect.iscoroutine(ending):
                self._tasks.append(asyncio.create_task(ending))

    def hush(self) -> None:
        """Fall silent now: what was to be said is dropped. From any thread."""
        if self._clear_queue is None:
            return
        if threading.get_ident() == self._thread:
            self._session.hush()
        else:
            self.loop.call_soon_threadsafe(self._session.hush)

    # -- sound in ------------------------------------------------------------------------------------------------------
    def resample(self, frame: av.AudioFrame) -> Generator[av.AudioFrame, None, None]:
        """The microphone as the handler wants it."""
        yield from self.handler.resample(frame)

    async def receive(self, frame: tuple[int, NDArray[np.int16]]) -> None:
        """A packet of the microphone: (rate, int16 [channels, n])."""
        with self._receiving:
            await self._call(self.handler.receive, frame)

    async def video_receive(self, frame: NDArray[np.float32]) -> None:
        """The user's picture is not looked at."""

    # -- face and voice out --------------------------------------------------------------------------------------------
    async def emit(self) -> Any:
        """The next 40 ms of the voice, (output_sample_rate, int16 [1, n]), or what the handler gives beside it."""
        if self._faceless:
            return await self._call(self.handler.emit)
        self._begin()
        outputs = self._pump.outputs
        if outputs:
            return outputs.popleft()
        tick = await self._session.voices.get()
        sound = self.output_sample_rate, tick.samples.reshape(1, -1)
        if tick.close is not None:
            return sound, tick.close
        return (sound, outputs.popleft()) if outputs else sound

    async def video_emit(self) -> NDArray[np.uint8]:
        """The next picture, BGR uint8 [h, w, 3]."""
        self._begin()
        return await self._session.pictures.get()

    # ------------------------------------------------------------------------------------------------------------------
    @property
    def _faceless(self) -> bool:
        return isinstance(self.channel, WebSocketDataChannel)

    def _begin(self) -> None:
        self._session.stay()
        if not self._begun and not self._ended:
            self._begun = True
            self._tasks.append(asyncio.create_task(self._session.run()))
            self._tasks[-1].add_done_callback(self._left)

    def _left(self, task: asyncio.Task[None]) -> None:
        """Nobody looks any more. FastRTC does not always say so: not where the network fails."""
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("A session broke.", exc_info=error)
        self.shutdown()

    async def _call(self, method: Callable[..., Any], *arguments: Any) -> Any:
        if isinstance(self.handler, AsyncStreamHandler):
            return await method(*arguments)
        return await anyio.to_thread.run_sync(method, *arguments)

    def _drop_voice(self) -> None:
        if self._clear_queue is not None:
            self._clear_queue()

"""The avatar as a FastRTC handler: one live session behind every connection."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
from collections.abc import Callable, Generator
from typing import Any, Protocol

import av
import numpy as np
from fastrtc import AsyncAudioVideoStreamHandler
from numpy.typing import NDArray

from bithuman_core.fastrtc.live_session import LiveEngine, LiveSession, SharedResources
from bithuman_core.fastrtc.media.lip_sync_delay import SILENCE
from bithuman_core.fastrtc.media.yuv import YuvConverter
from bithuman_core.timing import FPS, SAMPLE_RATE

logger = logging.getLogger(__name__)

# A closed connection of aiortc is a cycle that holds codec threads and some MiB, and Python looks for cycles too rarely.
COLLECT_SECONDS = 2.0


class ConnectionOwner(Protocol):
    """Somebody who looks after one connection: whose avatar it shows, and what is done with the page's messages."""

    @property
    def limit(self) -> float: ...
    @property
    def connect_idle(self) -> float: ...
    def make_engine(self) -> LiveEngine: ...
    def meet(self, session: LiveSession) -> None: ...
    def hears(self, text: object) -> str | None: ...
    def part(self, session: LiveSession) -> None: ...


class AvatarHandler(AsyncAudioVideoStreamHandler):
    """Takes the microphone's packets and gives what the session's lines hold; nothing here waits for work.

    FastRTC copies the handler for every connection and awaits ``emit`` and ``video_emit``, the latter even before
    ``start_up``; an exception out of either would end that track without a word. ``hang_up`` closes the connection of the
    handler that it is given.
    """

    def __init__(self, shared: SharedResources, hang_up: Callable[[AvatarHandler], None]) -> None:
        super().__init__("mono", output_sample_rate=SAMPLE_RATE, input_sample_rate=SAMPLE_RATE, fps=FPS)
        self._shared, self._hang_up = shared, hang_up
        self._live = LiveSession(shared, self._tell, self._drop_voice)
        self._live.develop = YuvConverter().take
        self._task: asyncio.Task[None] | None = None
        self._expecting: asyncio.Task[None] | None = None
        self._owner: ConnectionOwner | None = None

    def bind(self, owner: ConnectionOwner) -> None:
        """Leave this connection to somebody, before its first picture. From now on its time counts.

        Where its sound and pictures have not been asked for after ``connect_idle`` s, it is hung up. ``limit``: longest visit in
        s; ``make_engine()`` is called in a worker thread, again after a crash; ``meet(session)`` is
        called now; ``hears(text)`` takes a message of the page and returns a sentence where it is not followed; ``part(session)``
        is called when the connection is closed: from then on nobody needs the session and its codecs.
        """
        self._owner = owner
        owner.meet(self._live)
        self._live.make_engine, self._live.limit = owner.make_engine, owner.limit
        self._live.arrive()
        self._expecting = asyncio.create_task(self._expect(owner.connect_idle))

    def set_channel(self, channel: Any) -> None:
        """FastRTC hands the data channel over; its own answer to every message (the same message) is not wanted."""
        super().set_channel(channel)
        channel.remove_all_listeners("message")
        channel.on("message", self._hear)
        self._tell("ready", None)

    def copy(self) -> AvatarHandler:
        """A session for a new connection."""
        return AvatarHandler(self._shared, self._hang_up)

    def resample(self, frame: av.AudioFrame) -> Generator[av.AudioFrame, None, None]:
        """The microphone at 16 kHz mono. Packets keep their 20 ms; FastRTC's own version gathers 60 ms."""
        if self._resampler is None:
            self._resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
        yield from self._resampler.resample(frame)

    async def receive(self, frame: tuple[int, NDArray[np.int16]]) -> None:
        """A packet of the microphone: (rate, int16 [1, n])."""
        self._live.hear(frame[1].reshape(-1))

    async def video_receive(self, frame: NDArray[np.float32]) -> None:
        """No camera is ever asked for; pictures that come all the same do not come so far (see ``stream.py``)."""

    async def emit(self) -> tuple[int, NDArray[np.int16]]:
        """The next 40 ms of the avatar's voice: (16000, int16 [1, 640])."""
        self._begin()
        return SAMPLE_RATE, (await self._live.voices.get()).reshape(1, -1)

    async def video_emit(self) -> Any:
        """The next picture, an ``av.VideoFrame``: FastRTC's stream hands it on as it is (see ``stream.py``)."""
        self._begin()
        return await self._live.pictures.get()

    def shutdown(self) -> None:
        """The connection is closed."""
        for task in (self._task, self._expecting):
            if task is not None:
                task.cancel()
        if self._owner is not None:
            self._owner.part(self._live)
        self._live.voices.close(SILENCE)
        _collect_soon()

    def _begin(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._live.run())
            self._task.add_done_callback(self._ended)

    async def _expect(self, seconds: float) -> None:
        await self._shared.clock.sleep(seconds)
        if self._task is None:
            self._hang_up(self)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            logger.error("A session broke.", exc_info=error)
        self._hang_up(self)

    def _hear(self, text: object) -> None:
        self._live.stay()
        if self._owner is not None and (sentence := self._owner.hears(text)) is not None:
            self._tell("error", sentence)

    def _drop_voice(self) -> None:
        if self._clear_queue is not None:
            self._clear_queue()

    def _tell(self, kind: str, data: Any) -> None:
        """Send a message to the page: JSON {type, data} on the data channel."""
        channel: Any = self.channel
        if channel is not None and channel.readyState == "open":
            channel.send(json.dumps({"type": kind, "data": data}))


_collecting: asyncio.TimerHandle | None = None


def _collect_soon() -> None:
    """Once for all connections that close meanwhile: it holds everybody up."""
    global _collecting
    if _collecting is not None and _collecting.when() > asyncio.get_running_loop().time():
        return
    _collecting = asyncio.get_running_loop().call_later(COLLECT_SECONDS, gc.collect)

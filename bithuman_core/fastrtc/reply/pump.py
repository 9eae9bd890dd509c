"""Asks an app's handler for what it says."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from fastrtc import AdditionalOutputs, AsyncStreamHandler, CloseStream, ReplyOnPause, StreamHandler
from fastrtc.utils import split_output

from bithuman_core.fastrtc.reply.app_errors import AppErrors
from bithuman_core.fastrtc.reply.speech_queue import SpeechQueue

POLL_SECONDS = 0.01  # until a handler that had nothing to say is asked again; FastRTC asks without a pause
MAX_AHEAD_SECONDS = 60.0  # a handler that says more is not asked until the avatar has caught up


class ReplyPump:
    """Awaits ``emit`` for ever: sound goes to ``speech``, AdditionalOutputs to ``outputs``."""

    def __init__(self, handler: StreamHandler | AsyncStreamHandler, speech: SpeechQueue) -> None:
        self.outputs: deque[AdditionalOutputs] = deque()
        self._handler, self._speech = handler, speech
        self._errors = AppErrors("emit")
        # A handler without asyncio may wait in emit() for as long as it likes: nobody else waits for that thread.
        self._thread = ThreadPoolExecutor(1, "reply")

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            output = None
            if self._speech.seconds < MAX_AHEAD_SECONDS:
                clears = self._speech.clears
                with self._errors:
                    output = await self._emit()
                    self._take(output, interrupted=clears != self._speech.clears)
            await asyncio.sleep(POLL_SECONDS if output is None else 0)

    def close(self) -> None:
        """Release the thread."""
        self._thread.shutdown(wait=False)

    async def _emit(self) -> Any:
        if isinstance(self._handler, AsyncStreamHandler):
            return await self._handler.emit()
        work = copy_context().run  # FastRTC's context of the connection
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, self._handler.emit)

    def _take(self, output: Any, interrupted: bool) -> None:
        sound, beside = split_output(output)
        if isinstance(beside, AdditionalOutputs):
            self.outputs.append(beside)
        # None of a reply is left: it has ended, or the user broke into it while the app was making this part of it.
        over = isinstance(self._handler, ReplyOnPause) and self._handler.generator is None
        if sound is not None and not (over and interrupted):
            rate, samples = sound[:2]
            self._speech.push(rate, samples)
        if over:
            self._speech.flush()
        if isinstance(beside, CloseStream):
            self._speech.close(beside)

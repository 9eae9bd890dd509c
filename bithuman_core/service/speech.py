"""Texts as sound files, for the calls that answer with them."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import TypeVar

import av
import numpy as np
from numpy.typing import NDArray

from bithuman_core.audio import float32_to_int16, int16_to_float32, resample
from bithuman_core.low_priority import be_nice
from bithuman_core.service.errors import Unavailable
from bithuman_core.timing import SAMPLE_RATE
from bithuman_core.voice import TextToSpeech

VOICES = 2  # that speak at once
LONGEST = 180.0  # s
# (container, codec, sample format of the codec, media type); "pcm" is bare samples, as OpenAI's API has it
FORMATS = {
    "mp3": ("mp3", "libmp3lame", "audio/mpeg"),
    "opus": ("ogg", "libopus", "audio/ogg"),
    "aac": ("adts", "aac", "audio/aac"),
    "flac": ("flac", "flac", "audio/flac"),
    "wav": ("wav", "pcm_s16le", "audio/wav"),
}
RATE = 24_000  # Hz, of all of them
BUSY = "Too many texts are being spoken at the moment: try again in some seconds."
T = TypeVar("T")


class Speaker:
    """Speaks in threads of low priority; who finds too many before him is told so."""

    def __init__(self, voice: TextToSpeech, most: int) -> None:
        """most: texts under way or waiting."""
        self.voice = voice
        self._places = BoundedSemaphore(most)
        self._threads = ThreadPoolExecutor(VOICES, "speech", initializer=be_nice)

    def look(self) -> None:
        """Find out which voices there are, in the background."""
        self._threads.submit(self.voice.look)

    def speak(self, text: str, voice: str, form: str) -> tuple[bytes, str]:
        """(sound file, media type). form: one of FORMATS, or "pcm". Blocks. Raises AudioError, Unavailable."""
        samples = self._in_thread(lambda: self.voice.speak(text, voice, longest=LONGEST))
        sound = float32_to_int16(resample(int16_to_float32(samples), SAMPLE_RATE, RATE))
        return (sound.tobytes(), "audio/pcm") if form == "pcm" else (encoded(sound, form), FORMATS[form][2])

    def close(self) -> None:
        """Begin no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _in_thread(self, work: Callable[[], T]) -> T:
        if not self._places.acquire(blocking=False):
            raise Unavailable(BUSY, retry=5)
        try:
            return self._threads.submit(work).result()
        finally:
            self._places.release()


def encoded(samples: NDArray[np.int16], form: str) -> bytes:
    """int16 [n] at RATE as a file of one of FORMATS."""
    container_name, codec, _ = FORMATS[form]
    file = io.BytesIO()
    with av.open(file, "w", format=container_name) as container:
        stream = container.add_stream(codec, rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], "s16", "mono")
        frame.rate = RATE
        codec_context = stream.codec_context
        resampler = av.AudioResampler(codec_context.format, "mono", codec_context.rate, codec_context.frame_size or 0)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return file.getvalue()

"""Ears at an address: any service with OpenAI's ``/audio/transcriptions``."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bithuman_core.addresses import Address, what_failed
from bithuman_core.errors import AddressError
from bithuman_core.timing import SAMPLE_RATE

SECONDS = 30.0  # longest silence of the service


@dataclass(frozen=True, slots=True)
class TranscriptionAddress:
    """The address, and the language that is spoken (ISO 639-1, for example "de"), where that is known."""

    address: Address
    language: str | None = None

    @property
    def free(self) -> bool:
        """Services may count requests."""
        return False

    def transcribe(self, samples: NDArray[np.int16]) -> str:
        """As of ``Transcriber``."""
        import openai

        with self.address.client(SECONDS) as client:
            try:
                answer = client.audio.transcriptions.create(
                    model=self.address.model,
                    file=("speech.wav", _wav(samples), "audio/wav"),
                    language=self.language or openai.omit,
                )
            except openai.OpenAIError as error:
                raise AddressError(what_failed(error, self.address, "ears")) from None
        text = getattr(answer, "text", None)
        if not isinstance(text, str):
            raise AddressError(f"The ears at {self.address.host} answer without a text: see whether they speak OpenAI's API.")
        return " ".join(text.split())


def _wav(samples: NDArray[np.int16]) -> bytes:
    """A WAV file of them: RIFF, a ``fmt `` chunk (PCM, mono, 16 bits), a ``data`` chunk."""
    data = samples.astype("<i2").tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, SAMPLE_RATE, 2 * SAMPLE_RATE, 2, 16)
    chunks = form + struct.pack("<4sI", b"data", len(data)) + data
    return struct.pack("<4sI4s", b"RIFF", 4 + len(chunks), b"WAVE") + chunks

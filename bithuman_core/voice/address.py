"""A voice at an address: any service with OpenAI's ``/audio/speech``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bithuman_core.addresses import Address, what_failed
from bithuman_core.errors import AudioError
from bithuman_core.pcm import int16_to_float32

RATE = 24_000  # Hz, of the format "pcm" by OpenAI's documentation: int16, little-endian, mono, without a header
SECONDS = 20.0  # longest silence of the service
HEADERS = (b"RIFF", b"ID3", b"OggS", b"fLaC", b"{")  # of what is no bare sound


@dataclass(frozen=True, slots=True)
class SpeechAddress:
    """The address, and the name that it has for the voice."""

    address: Address
    voice: str

    def speak(self, text: str) -> tuple[NDArray[np.float32], int]:
        """The text as sound, float32 [n] in -1..1, and its rate in Hz. Blocks. Raises AudioError."""
        import openai

        with self.address.client(SECONDS) as client:
            try:
                answer = client.audio.speech.create(
                    model=self.address.model, voice=self.voice, input=text, response_format="pcm"
                ).content
            except openai.OpenAIError as error:
                raise AudioError(what_failed(error, self.address, "voice")) from None
        if answer.startswith(HEADERS):
            raise AudioError(f"The voice at {self.address.host} sends no bare sound (response_format pcm): use another one.")
        return int16_to_float32(np.frombuffer(answer[: len(answer) // 2 * 2], np.int16)), RATE

"""What everything is that turns sound into words."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

HOW_TO_GET_THEM = (
    "This machine has no ears to understand speech with: run pip install 'bithuman-core[ears]' (Linux, English), or let "
    "BITHUMAN_STT_URL name a service with OpenAI's /audio/transcriptions."
)


class Transcriber(Protocol):
    """Ears. Takes its time: call it in a worker thread; several threads may.

    free: whether to be asked in vain costs nothing but some work, so that a turn can be understood before it is surely over.
    """

    @property
    def free(self) -> bool: ...

    def transcribe(self, samples: NDArray[np.int16]) -> str:
        """The words of one turn, int16 [n] at 16 kHz; "" where nothing is understood. Raises AddressError."""
        ...

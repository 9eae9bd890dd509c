"""English by Moonshine tiny (MIT; pip install moonshine-voice): the model comes inside the package, nothing is fetched."""

from __future__ import annotations

import importlib.util
import sys
from functools import lru_cache
from threading import Lock
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.pcm import int16_to_float32
from bithuman_core.timing import SAMPLE_RATE

PAUSE = np.zeros(SAMPLE_RATE // 2, np.float32)  # after each turn, else the model takes the next one's silence for speech
SHORTEST = 0.1  # s: of less the model makes words up


class Moonshine:
    """Ears for English. Thread-safe: one turn at a time, and the interpreter is free meanwhile."""

    def __init__(self) -> None:
        """Load the model: a second, and some 150 MiB of memory."""
        self._model, self._lock = _model(), Lock()

    @property
    def free(self) -> bool:
        """Asked in vain it costs nothing."""
        return True

    @staticmethod
    def is_here() -> bool:
        """Whether the package is installed."""
        return importlib.util.find_spec("moonshine_voice") is not None

    def transcribe(self, samples: NDArray[np.int16]) -> str:
        """As of ``Transcriber``."""
        if samples.size < SHORTEST * SAMPLE_RATE:
            return ""
        sound = np.concatenate([int16_to_float32(samples), PAUSE])
        with self._lock:
            heard = self._model.transcribe_without_streaming(sound.tolist(), SAMPLE_RATE)
        return " ".join(" ".join(line.text.split()) for line in heard.lines).strip()


@lru_cache(1)
def _model() -> Any:
    if importlib.util.find_spec("sounddevice") is not None:
        try:
            import sounddevice  # noqa: F401  # pyright: ignore[reportMissingImports]
        except OSError:  # no PortAudio: the package asks for it at its import, for a microphone that is not used here
            sys.modules["sounddevice"] = ModuleType("sounddevice")
    from moonshine_voice.moonshine_api import ModelArch
    from moonshine_voice.transcriber import Transcriber
    from moonshine_voice.utils import get_model_path

    return Transcriber(str(get_model_path("tiny-en")), ModelArch.TINY)

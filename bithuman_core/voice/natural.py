"""English by hibari (Apache-2.0; pip install hibari-tts): a small neural voice that comes inside its package.

Its other voices are downloads of their own; they are offered where the user has put them into hibari's folder.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE = 24_000  # Hz
SEED = 0  # of the voice's breath: the same text sounds the same
SILENT = 0.004  # of 1
BEFORE, AFTER = 0.06, 0.28  # s of silence that are kept; the model gives 0.3 and 0.45
WARM_UP = "Hello."  # the first words take half a second longer


_speaking = Lock()  # one sentence at a time


def names() -> dict[str, str]:
    """(name: what people call it) of the voices whose files are here; empty where hibari is not installed."""
    if importlib.util.find_spec("hibari") is None:
        return {}
    from hibari.voices import VOICES

    return {name: f"{facts['accent']} English ({name.capitalize()})" for name, facts in VOICES.items() if _is_here(name)}


def load(name: str) -> None:
    """Have a voice ready: half a second, and as long again for its first words. Takes some 160 MiB of memory."""
    speak(name, WARM_UP)


def speak(name: str, sentence: str) -> NDArray[np.float32]:
    """A sentence as sound, float32 [n] in -1..1 at ``RATE``; empty where it holds nothing that is said. Thread-safe.

    Of the silence around it what a breath takes is left.
    """
    with _speaking:
        sound = _model(name)(sentence, seed=SEED)
    heard = np.flatnonzero(np.abs(sound) > SILENT)
    if not heard.size:
        return sound[:0]
    return sound[max(heard[0] - round(BEFORE * RATE), 0) : heard[-1] + round(AFTER * RATE)]


@lru_cache(None)
def _model(name: str) -> Any:
    from hibari import Hibari

    return Hibari(voice=name)


def _is_here(name: str) -> bool:
    """Whether no download is needed."""
    from hibari.voices import voice_path

    try:
        voice_path(name, download_missing=False)
    except FileNotFoundError:
        return False
    return True

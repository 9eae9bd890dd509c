"""The voices of this machine, and text spoken by one of them, sentence by sentence."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bithuman_core.audio import float32_to_int16, resample
from bithuman_core.errors import AudioError
from bithuman_core.timing import SAMPLE_RATE
from bithuman_core.voice import espeak, natural
from bithuman_core.voice.address import SpeechAddress
from bithuman_core.voice.plain import plain
from bithuman_core.voice.scripts import runs
from bithuman_core.voice.sentences import split

FIRST = ("en-us", "en-gb")  # of eSpeak NG's languages
PEAK = 0.6  # of full scale: eSpeak NG speaks at various levels, and whole texts at a time
NATURAL_GAIN = 1.6  # hibari's sentences peak at .2 to .38 of it

HOW_TO_GET_IT = (
    "This machine has no voice to read texts with: install one with `pip install hibari-tts` (natural English), "
    "`pip install espeakng-loader` (many languages), or eSpeak NG from the system's packages (`apt install espeak-ng`, "
    "`brew install espeak-ng`)."
)
NO_SOUND = "That text makes no sound: write some words."


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice: ``id`` for the program, ``name`` for people, and whether it comes in several timbres."""

    id: str
    name: str
    timbres: bool = False


class TextToSpeech:
    """Speaks texts: English by hibari, a hundred languages by eSpeak NG, and by an OpenAI-compatible address where one is set.

    ``voices`` is empty where there is none. All that speaks takes its time: call it in a worker thread.
    """

    def __init__(self, address: SpeechAddress | None = None, *, with_natural: bool = True) -> None:
        """with_natural: whether there is memory for hibari's voices."""
        self.voices: tuple[Voice, ...] = ()
        self._address, self._with_natural = address, with_natural
        self._names: dict[str, str] = {}  # of natural voices
        self._languages: dict[str, str] = {}  # of eSpeak NG

    def look(self) -> None:
        """Find out which voices there are, and have the first one ready."""
        self._names, self._languages = natural.names() if self._with_natural else {}, espeak.names()
        order = sorted(self._languages.items(), key=lambda voice: (voice[0] not in FIRST, voice[0] != FIRST[0], voice[1]))
        remote = [Voice(self._address.voice, f"{self._address.voice} ({self._address.address.host})")] if self._address else []
        local = [Voice(name, title) for name, title in self._names.items()]
        self.voices = (*remote, *local, *(Voice(name, title, timbres=True) for name, title in order))
        if local:
            natural.load(local[0].id)

    def stream(self, text: str, voice: str = "", timbre: str = "woman") -> Iterator[NDArray[np.int16]]:
        """The text as speech, int16 [n] at 16 kHz, a sentence at a time, each as soon as it is made.

        voice: an ``id``, a language such as "fr", or "" for the first one; timbre: "woman" or "man", where a voice has both.
        Raises AudioError where there is no such voice, or nothing to be heard.
        """
        if not self.voices:
            raise AudioError(HOW_TO_GET_IT)
        found = self._find(voice)
        if found is None or timbre not in espeak.TIMBRES:
            raise AudioError("This server does not have that voice: choose another one.")
        silent = True
        for piece in self._pieces(plain(text), found):
            sound = self._sound(*piece, timbre)
            if sound.size:
                silent = False
                yield sound
        if silent:
            raise AudioError(NO_SOUND)

    def speak(self, text: str, voice: str = "", timbre: str = "woman", longest: float = math.inf) -> NDArray[np.int16]:
        """The whole text as speech, int16 [n] at 16 kHz; arguments and errors as those of :meth:`stream`.

        Raises AudioError where it is more than ``longest`` seconds, too.
        """
        pieces, samples = [], 0
        for piece in self.stream(text, voice, timbre):
            pieces.append(piece)
            samples += piece.size
            if samples > longest * SAMPLE_RATE:
                raise AudioError(too_long(samples, longest))
        return np.concatenate(pieces)

    def _find(self, voice: str) -> str | None:
        """The id of the voice that is meant: "" is the first one, a language without its country the first of that language."""
        known = [each.id for each in self.voices]
        if not voice or voice in known:
            return voice or known[0]
        return next((name for name in known if name.startswith(f"{voice}-")), None)

    def _pieces(self, text: str, voice: str) -> Iterator[tuple[str, str]]:
        """(voice, piece): sentences; what a natural voice cannot read is left to eSpeak NG's of that language."""
        if voice not in self._names or (self._address and voice == self._address.voice):
            yield from ((voice, text),) if voice in self._languages else ((voice, sentence) for sentence in split(text))
            return
        for sentence in split(text):
            for language, piece in runs(sentence):
                foreign = language in self._languages
                if any(letter.isalnum() for letter in piece) and (language is None or foreign):
                    yield (str(language) if foreign else voice), piece

    def _sound(self, voice: str, text: str, timbre: str) -> NDArray[np.int16]:
        gain = 1.0
        if self._address and voice == self._address.voice:
            sound, rate = self._address.speak(text)
        elif voice in self._names:
            sound, rate, gain = natural.speak(voice, text), natural.RATE, NATURAL_GAIN
        else:
            sound, rate = espeak.speak(voice, text, timbre)
            gain = PEAK / max(float(np.abs(sound).max(initial=0)), np.finfo(np.float32).tiny)
        if not sound.any():
            return np.zeros(0, np.int16)
        return float32_to_int16(resample(np.clip(sound * gain, -1, 1), rate, SAMPLE_RATE))


def too_long(samples: int, longest: float) -> str:
    """The sentence for a text that takes more than ``longest`` seconds."""
    return f"That text takes {samples / SAMPLE_RATE:.0f} s to say, and {longest:.0f} s are spoken at a time: shorten it."

"""Synthetic speech with exact phone times: libespeak-ng in many languages and voice variants."""

from __future__ import annotations

import ctypes
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from training.speech.clip import RATE, Clip, Segment
from training.speech.own_texts import LISTS, own_text
from training.speech.phones import SILENCE, from_ipa
from training.speech.texts import sentences

# Languages that espeak-ng reads by its own spelling rules; English text gives their sounds, a text of their own (where there are
# words) gives them as they follow each other. Mandarin, Japanese and Arabic are left for the benchmark.
ENGLISH = ("en-us", "en-us", "en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-us-nyc", "en-029")
LANGUAGES = ("de", "de", "fr", "fr", "fr", "es", "es", "es", "it", "pt", "nl", "sv", "pl", "fi", "cs", "ro", "hu", "tr", "id")
ENGLISH_SHARE, OWN_SHARE = 0.45, 0.75  # of the clips; of the others those with a text of their own, where there are words
_VARIANT_NAMES = """
Alex Alicia Andrea Andy Annie Denis Diogo Gene Gene2 Henrique Hugo Jacky Lee Marco Mario Michael Mike Storm adam anika
antonio aunty belinda benjamin boris caleb david ed edward f1 f2 f3 f4 f5 grandma grandpa iven iven2 iven3 john
kaukovalta klatt klatt2 klatt3 klatt4 linda m1 m2 m3 m4 m5 m6 m7 m8 marcelo max michel miguel norbert pablo paul pedro
quincy rob robert sandro shelby steph steph2 steph3 travis victor whisper whisperf zac
"""
VARIANTS = tuple(_VARIANT_NAMES.split())
_SYNCHRONOUS, _PHONEME_EVENTS, _PHONEME_IPA, _UTF8 = 2, 1, 2, 1  # speak_lib.h
_PHONEME_EVENT, _END_OF_LIST, _PARAMETER_RATE, _PARAMETER_PITCH, _PARAMETER_RANGE = 7, 0, 1, 3, 4
_EDGE = 0.004  # s: a pause shorter than this is no pause


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int),
                ("length", ctypes.c_int), ("audio_position", ctypes.c_int), ("sample", ctypes.c_int),
                ("user_data", ctypes.c_void_p), ("id", _Id))  # fmt: skip


class Espeak:
    """libespeak-ng, which tells the sample where each phoneme starts."""

    def __init__(self) -> None:
        self._lib = ctypes.CDLL("libespeak-ng.so.1")
        self.rate = self._lib.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS | _PHONEME_IPA)
        self._pcm: list[bytes] = []
        self._events: list[tuple[int, str]] = []
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
        self._callback = kind(self._heard)
        self._lib.espeak_SetSynthCallback(self._callback)

    def _heard(self, wav: object, samples: int, events: object) -> int:
        if samples > 0:
            self._pcm.append(ctypes.string_at(wav, samples * 2))  # type: ignore[arg-type]
        i = 0
        while events[i].type != _END_OF_LIST:  # type: ignore[index]
            if events[i].type == _PHONEME_EVENT:  # type: ignore[index]
                self._events.append((events[i].sample, events[i].id.string.decode("utf-8", "ignore")))  # type: ignore[index]
            i += 1
        return 0

    def say(self, text: str, voice: str, pace: int, pitch: int, span: int) -> tuple[NDArray[np.int16], list[Segment]] | None:
        """Audio at ``self.rate`` and phones, None where the voice does not exist. pace: words a minute; pitch, span 0..99."""
        if self._lib.espeak_SetVoiceByName(voice.encode()) != 0:
            return None
        for parameter, value in ((_PARAMETER_RATE, pace), (_PARAMETER_PITCH, pitch), (_PARAMETER_RANGE, span)):
            self._lib.espeak_SetParameter(parameter, value, 0)
        self._pcm.clear()
        self._events.clear()
        data = text.encode()
        self._lib.espeak_Synth(data, len(data) + 1, 0, 0, 0, _UTF8, None, None)
        audio = np.frombuffer(b"".join(self._pcm), np.int16)
        ends = [s for s, _ in self._events[1:]] + [len(audio)]
        segments: list[Segment] = []
        for (start, symbol), end in zip(self._events, ends, strict=True):
            a, b = start / self.rate, end / self.rate
            phone = from_ipa(symbol) if symbol.strip() else SILENCE
            if b - a < _EDGE or phone is None:
                continue
            if "ɹ" in symbol[1:] and b - a > 0.06:  # a vowel and r in one event
                segments += [(a, a + 0.6 * (b - a), "ao" if phone == "ow" else phone), (a + 0.6 * (b - a), b, "r")]
            else:
                segments.append((a, b, phone))
        return audio, segments


def espeak(data: Path, count: int, seed: int) -> Iterator[Clip]:
    """``count`` utterances by random espeak-ng voices, not half of them English."""
    rng = random.Random(seed)
    engine = Espeak()
    for text in sentences(data, rng, count):
        language = rng.choice(ENGLISH if rng.random() < ENGLISH_SHARE else LANGUAGES)
        if language in LISTS and rng.random() < OWN_SHARE:
            text = own_text(language, rng)
        variant = rng.choice(VARIANTS)
        said = engine.say(text, f"{language}+{variant}", rng.randint(120, 230), rng.randint(20, 80), rng.randint(30, 80))
        if said is not None and len(said[1]) > 4:
            audio = np.asarray(soxr.resample(said[0], engine.rate, RATE), np.int16)
            yield Clip(audio, said[1], "espeak", f"espeak/{language}+{variant}")

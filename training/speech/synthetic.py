"""Synthetic speech with exact phone times: flite's kal and kal16, festival's ked, and espeak-ng in many voices.

flite's slt, rms and awb are the bench and never speak here.
"""

from __future__ import annotations

import ctypes
import random
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from training.speech.clip import RATE, Clip, Segment, read_16k
from training.speech.phones import SILENCE, canonical, from_ipa
from training.speech.texts import sentences


def flite(data: Path, count: int, seed: int) -> Iterator[Clip]:
    """``count`` utterances by flite's diphone voices at varied pitch and pace."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "said.wav"
        for text in sentences(data, rng, count):
            voice = rng.choice(("kal", "kal16", "kal16"))
            pace, pitch = f"duration_stretch={rng.uniform(0.75, 1.35):.2f}", f"int_f0_target_mean={rng.uniform(80, 210):.0f}"
            command = ["flite", "-voice", voice, "--setf", pace, "--setf", pitch, "-psdur", "-t", text, "-o", str(wav)]
            said = subprocess.run(command, capture_output=True, text=True, check=True)
            segments: list[Segment] = []
            start = 0.0
            for item in said.stdout.split():
                phone, end = item.split(":")
                segments.append((start, float(end), canonical(phone)))
                start = float(end)
            yield Clip(read_16k(wav), segments, "flite", f"flite/{voice}")


def festival(data: Path, count: int, seed: int) -> Iterator[Clip]:
    """``count`` utterances by each of festival's voices; the foreign ones read English text by their own rules."""
    rng = random.Random(seed)
    for voice, phones in FESTIVAL_VOICES.items():
        with tempfile.TemporaryDirectory() as folder:
            script = [f"(voice_{voice})"]
            for i, text in enumerate(sentences(data, rng, count)):
                plain = "".join(c for c in text if c.isalnum() or c in " ,.?!'")
                if voice.startswith("msu_ru"):
                    plain = plain.lower().translate(CYRILLIC)
                say = f'(set! u (SynthText "{plain}")) (utt.save.wave u "{folder}/{i:04d}.wav" \'riff)'
                script.append(f"(Parameter.set 'Duration_Stretch {rng.uniform(0.75, 1.35):.2f})")  # and go on after a bad text:
                script.append(f'(unwind-protect (begin {say} (utt.save.segs u "{folder}/{i:04d}.lab")) nil)')
            (Path(folder) / "say.scm").write_text("\n".join(script))
            subprocess.run(["festival", "-b", f"{folder}/say.scm"], check=True, capture_output=True)
            for label in sorted(Path(folder).glob("*.lab")):
                segments = read_labels(label, phones)
                if len(segments) > 4:
                    yield Clip(read_16k(label.with_suffix(".wav")), segments, "festival", f"festival/{voice}")


def read_labels(path: Path, phones: dict[str, str]) -> list[Segment]:
    """An xlabel file (end s, colour, name) in our phones; raises KeyError for a name that nobody explained."""
    segments: list[Segment] = []
    start = 0.0
    for line in path.read_text().splitlines():
        fields = line.split()
        if len(fields) == 3:
            name = fields[2].rstrip("0123456789:")
            phone = phones.get(name) or SAMPA.get(name) or canonical(name)
            segments.append((start, float(fields[0]), phone))
            start = float(fields[0])
    return segments


# The phone names of festival's European voices (SAMPA, mostly), and what single voices call otherwise.
SAMPA: dict[str, str] = {
    "#": SILENCE, "##": SILENCE, "_": SILENCE, "a": "aa", "e": "ey", "E": "eh", "i": "iy", "o": "ow", "O": "ao", "u": "uw", "@": "ax", "oe": "ow",
    "j": "y", "J": "n", "L": "l", "N": "ng", "n*": "ng", "nf": "v", "S": "sh", "Z": "zh", "tS": "ch", "dZ": "jh", "ts": "s", "dz": "z", "rr": "r", "D": "dh",
    "B": "v", "G": "g", "h": "hh", "x": "hh", "j\\": "y", "y": "uw",
}  # fmt: skip
_CZECH = {"c": "s", "c~": "ch", "ch": "hh", "s~": "sh", "z~": "zh", "r~": "zh", "d~": "d", "t~": "t", "n~": "n", "dz~": "jh", "y": "iy",
          "h": "hh", "r*": "r"}  # fmt: skip
_RUSSIAN = {"y": "ih", "yy": "ih", "c": "s", "sch": "sh", "hh": "hh", "ae": "eh", "ur": "uw", "ax": "ax",
            **{2 * c: p for c, p in zip("pbmfvtdnkgszlraeiou", "p b m f v t d n k g s z l r aa ey iy ow uw".split(), strict=True)}}
FESTIVAL_VOICES: dict[str, dict[str, str]] = {
    "ked_diphone": {}, "upc_ca_ona_hts": {}, "lp_diphone": {}, "pc_diphone": {}, "suo_fi_lj_diphone": {}, "hy_fi_mv_diphone": {},
    "czech_dita": _CZECH, "czech_machac": _CZECH, "msu_ru_nsh_clunits": _RUSSIAN,
}  # fmt: skip
CYRILLIC = str.maketrans({**dict(zip("abcdefghijklmnoprstuvxyz", "абкдефгхиджклмнопрстувхыз", strict=False)), "q": "к", "w": "в"})

# Languages that espeak-ng reads by its own spelling rules; English text in them gives their sounds.
ENGLISH = ("en-us", "en-us", "en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-us-nyc", "en-029")
LANGUAGES = ("de", "fr", "es", "it", "pt", "nl", "sv", "pl", "fi", "cs", "ro", "hu", "tr", "id")
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
    """``count`` utterances by random espeak-ng voices, two thirds of them English."""
    rng = random.Random(seed)
    engine = Espeak()
    for text in sentences(data, rng, count):
        language = rng.choice(ENGLISH if rng.random() < 0.67 else LANGUAGES)
        variant = rng.choice(VARIANTS)
        said = engine.say(text, f"{language}+{variant}", rng.randint(120, 230), rng.randint(20, 80), rng.randint(30, 80))
        if said is not None and len(said[1]) > 4:
            audio = np.asarray(soxr.resample(said[0], engine.rate, RATE), np.int16)
            yield Clip(audio, said[1], "espeak", f"espeak/{language}+{variant}")

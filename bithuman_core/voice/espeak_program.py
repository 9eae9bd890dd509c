"""eSpeak NG's library, driven in a process of its own: a fault inside it, or its licence, touches nothing else.

``python espeak_program.py voices`` prints JSON lines; ``python espeak_program.py speak VOICE`` reads text (UTF-8) and writes
int16 samples after one line with their rate in Hz. Exit code 3: there is no library. Standard library only: it starts in 50 ms.

The calls are those of speak_lib.h (eSpeak NG 1.48 and later keep them stable).
"""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
import json
import sys
from pathlib import Path

NO_LIBRARY = 3
SYNCHRONOUS = 2  # espeak_AUDIO_OUTPUT: AUDIO_OUTPUT_SYNCHRONOUS
DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT
UTF8 = 1  # espeakCHARS_UTF8
POS_CHARACTER = 1
RATE = 1  # espeakRATE
WORDS_A_MINUTE = 160
FILES = {"en-gb": "gmw/en", "fr-fr": "roa/fr"}

CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Voice(ctypes.Structure):
    """espeak_VOICE."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


def load() -> tuple[ctypes.CDLL, int]:
    """The library and its sample rate. Exits with NO_LIBRARY where there is none."""
    for library, data in places():
        try:
            espeak = ctypes.CDLL(library)
        except OSError:
            continue
        rate = espeak.espeak_Initialize(SYNCHRONOUS, 0, data.encode() if data else None, DONT_EXIT)
        if rate > 0:
            return espeak, rate
    sys.exit(NO_LIBRARY)


def places() -> list[tuple[str, str | None]]:
    """(library, folder that holds its data): the package espeakng-loader's, then the system's."""
    found: list[tuple[str, str | None]] = []
    if (spec := importlib.util.find_spec("espeakng_loader")) is not None and spec.origin:
        folder = Path(spec.origin).parent
        names = ("libespeak-ng.so", "libespeak-ng.dylib")
        found += [(str(folder / name), str(folder / "espeak-ng-data")) for name in names if (folder / name).exists()]
    system = ctypes.util.find_library("espeak-ng")
    brew = [path for path in ("/opt/homebrew/lib/libespeak-ng.dylib", "/usr/local/lib/libespeak-ng.dylib") if Path(path).exists()]
    return [*found, *((name, None) for name in [system, *brew] if name)]


def print_voices() -> None:
    """One {"id", "name"} a language."""
    espeak, _ = load()
    espeak.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(Voice))
    voices = espeak.espeak_ListVoices(None)
    index = 0
    while voices[index]:
        voice = voices[index].contents
        language = voice.languages[1:].decode()  # after a byte of priority
        identifier = voice.identifier.decode("utf-8", "replace")
        if "mb/" not in identifier and "!v" not in identifier:
            print(json.dumps({"id": language, "name": voice.name.decode("utf-8", "replace").replace("_", " ")}))
        index += 1


def speak(voice: str) -> None:
    """Standard input to standard output."""
    espeak, rate = load()
    out = sys.stdout.buffer
    out.write(f"{rate}\n".encode())

    def take(samples: object, count: int, _events: object) -> int:
        if samples and count > 0:
            out.write(ctypes.string_at(samples, 2 * count))  # type: ignore[arg-type]
        return 0

    callback = CALLBACK(take)
    espeak.espeak_SetSynthCallback(callback)
    name, plus, timbre = voice.partition("+")
    named = (voice, f"{FILES.get(name, name)}{plus}{timbre}")  # some voices take a timbre by the name of their file alone
    if all(espeak.espeak_SetVoiceByName(each.encode()) != 0 for each in named):
        sys.exit(f"there is no voice {voice!r}")
    espeak.espeak_SetParameter(RATE, WORDS_A_MINUTE, 0)
    text = sys.stdin.buffer.read().replace(b"\0", b" ") + b"\0"
    espeak.espeak_Synth.argtypes = (
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint, *2 * (ctypes.c_void_p,),
    )  # fmt: skip
    if espeak.espeak_Synth(text, len(text), 0, POS_CHARACTER, 0, UTF8, None, None) != 0:
        sys.exit("the text could not be spoken")
    espeak.espeak_Synchronize()
    out.flush()


if __name__ == "__main__":
    if sys.argv[1] == "voices":
        print_voices()
    else:
        speak(sys.argv[2])

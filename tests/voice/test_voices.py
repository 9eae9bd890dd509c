"""Voices: natural English, other languages in the same text, whole or sentence by sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bithuman_core.errors import AudioError
from bithuman_core.timing import SAMPLE_RATE
from bithuman_core.voice import TextToSpeech, natural, voices


@pytest.fixture(scope="module")
def speech() -> TextToSpeech:
    speech = TextToSpeech()
    speech.look()
    return speech


def seconds(sound: NDArray[np.int16]) -> float:
    return sound.size / SAMPLE_RATE


def test_the_first_voice_is_the_natural_one_and_needs_no_download(speech: TextToSpeech) -> None:
    assert speech.voices[0].id == "heart" and not speech.voices[0].timbres
    assert {"en-us", "fr-fr", "ar"} <= {voice.id for voice in speech.voices if voice.timbres}


def test_a_text_comes_sentence_by_sentence_and_is_the_same_each_time(speech: TextToSpeech) -> None:
    text = "Hello there. How are you today? It costs $3.50 at 5 p.m. on Sunday."
    pieces = list(speech.stream(text))
    assert len(pieces) == 3 and all(0.4 < seconds(piece) < 6 and np.abs(piece).max() > 3000 for piece in pieces)
    assert np.array_equal(np.concatenate(pieces), speech.speak(text))


def test_what_is_not_said_makes_no_sound_of_its_own(speech: TextToSpeech) -> None:
    assert np.array_equal(speech.speak("Hello **there** 😀."), speech.speak("Hello there."))
    for nothing in ("😀", "---", "", "…"):
        with pytest.raises(AudioError, match="makes no sound"):
            speech.speak(nothing)


def test_letters_that_the_voice_cannot_read_are_read_in_their_own_language(
    speech: TextToSpeech, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[str, str]] = []

    def speak(name: str, text: str, timbre: str, speak: Any = voices.espeak.speak) -> Any:
        read.append((name, text))
        return speak(name, text, timbre)

    monkeypatch.setattr(voices.espeak, "speak", speak)
    assert len(list(speech.stream("She said Привет to me."))) == 3
    assert read == [("ru", "Привет ")]


def test_a_language_is_spoken_as_a_whole(speech: TextToSpeech) -> None:
    (sound,) = speech.stream("Bonjour. Comment allez-vous ?", "fr", "man")
    assert np.array_equal(sound, speech.speak("Bonjour. Comment allez-vous ?", "fr-fr", "man"))


def test_a_voice_that_is_not_here_gets_a_sentence(speech: TextToSpeech) -> None:
    for voice, timbre in (("emma-of-elsewhere", "woman"), ("heart", "child")):
        with pytest.raises(AudioError, match="does not have that voice"):
            speech.speak("Hello.", voice, timbre)


def test_without_any_voice_it_is_said_how_to_get_one() -> None:
    with pytest.raises(AudioError, match="pip install hibari-tts"):
        TextToSpeech().speak("Hello.")


def test_a_long_text_ends_where_it_is_too_long(speech: TextToSpeech) -> None:
    with pytest.raises(AudioError, match="2 s are spoken at a time"):
        speech.speak("This is a sentence. " * 100, longest=2)


def test_no_voice_is_offered_that_would_have_to_be_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("HIBARI_HOME", str(tmp_path))
    assert list(natural.names()) == ["heart"]


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(natural, "names", dict)
    yield


@pytest.mark.usefixtures("nowhere")
def test_where_hibari_is_not_installed_the_others_speak() -> None:
    speech = TextToSpeech()
    speech.look()
    assert speech.voices[0].id == "en-us" and speech.speak("Hello.").size

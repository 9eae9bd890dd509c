"""Ears understand what our own voice says, and say nothing where nothing is said; those at an address, by a real server."""

from __future__ import annotations

import sys
import wave
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import SecretStr

from bithuman_core.addresses import Address
from bithuman_core.audio import float32_to_int16, load_audio
from bithuman_core.ears.address import TranscriptionAddress
from bithuman_core.ears.moonshine import Moonshine
from bithuman_core.errors import AddressError
from bithuman_core.settings import speech_clip
from bithuman_core.timing import SAMPLE_RATE
from bithuman_core.voice import TextToSpeech
from tests.voice.test_address import listening

linux = pytest.mark.skipif(sys.platform != "linux", reason="Moonshine comes for Linux alone")
KEY = "sk-of-nobody"


def words(text: str) -> list[str]:
    return "".join(letter for letter in text.lower() if letter.isalnum() or letter == " ").split()


@pytest.fixture(scope="module")
def ears() -> Moonshine:
    return Moonshine()


@linux
@pytest.mark.parametrize(
    "text", ["Where is the nearest train station?", "I would like a cup of tea, please.", "Good morning. How are you today?"]
)
def test_they_understand_what_our_voice_says(ears: Moonshine, text: str) -> None:
    speech = TextToSpeech()
    speech.look()
    assert words(ears.transcribe(speech.speak(text))) == words(text)


@linux
@pytest.mark.parametrize("seconds", [0.0, 0.05, 2.0])
def test_of_silence_they_make_no_words(ears: Moonshine, seconds: float) -> None:
    silence = np.zeros(round(seconds * SAMPLE_RATE), np.int16)
    assert ears.transcribe(silence) == ""
    ears.transcribe(float32_to_int16(load_audio(speech_clip(), SAMPLE_RATE)[0])[: 2 * SAMPLE_RATE])  # ends within a word
    assert ears.transcribe(silence) == ""


@linux
def test_a_language_that_they_do_not_know_is_heard_as_something_and_the_next_turn_is_understood(ears: Moonshine) -> None:
    speech = TextToSpeech()
    speech.look()
    heard = ears.transcribe(speech.speak("Guten Morgen, wie komme ich bitte zum Bahnhof?"))
    assert len(heard) < 200 and heard.isprintable()
    assert words(ears.transcribe(speech.speak("Good morning."))) == ["good", "morning"]


class Service:
    """Ears that answer what they are told to, and keep what they were sent."""

    def __init__(self) -> None:
        self.status, self.answer = 200, {"text": " Hello   there. "}
        self.forms: list[dict[str, Any]] = []
        self.app = FastAPI()
        self.app.post("/v1/audio/transcriptions")(self.transcriptions)

    async def transcriptions(self, request: Request) -> JSONResponse:
        form = await request.form()
        self.forms.append({name: value if isinstance(value, str) else await value.read() for name, value in form.items()})
        return JSONResponse(self.answer, self.status)


@pytest.fixture
def service() -> Iterator[tuple[Service, TranscriptionAddress]]:
    service = Service()
    with listening(service.app) as url:
        yield service, TranscriptionAddress(Address(url, "a-model", SecretStr(KEY)), "de")


def test_an_address_gets_the_sound_to_the_sample(service: tuple[Service, TranscriptionAddress]) -> None:
    there, ears = service
    sound = np.random.default_rng(0).integers(-9000, 9000, 5000).astype(np.int16)
    assert ears.transcribe(sound) == "Hello there."
    (form,) = there.forms
    assert (form["model"], form["language"]) == ("a-model", "de")
    with wave.open(BytesIO(form["file"])) as file:
        assert (file.getframerate(), file.getnchannels()) == (SAMPLE_RATE, 1)
        assert file.readframes(6000) == sound.astype("<i2").tobytes()


@pytest.mark.parametrize(
    ("status", "answer", "says"),
    [
        (401, {"error": {"message": KEY}}, "does not take the key"),
        (429, {}, "asked too much"),
        (503, {}, r"error \(503\)"),
        (200, {"words": 3}, "answer without a text"),
    ],
)
def test_faults_of_an_address_are_said_in_one_sentence(
    service: tuple[Service, TranscriptionAddress], status: int, answer: dict[str, Any], says: str
) -> None:
    there, ears = service
    there.status, there.answer = status, answer
    with pytest.raises(AddressError, match=says) as failed:
        ears.transcribe(np.zeros(1000, np.int16))
    assert KEY not in str(failed.value)

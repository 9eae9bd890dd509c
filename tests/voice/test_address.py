"""A voice at an address, by OpenAI's client and a real server on this machine; its faults in one sentence, without the key."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI, Request, Response
from pydantic import SecretStr

from bithuman_core.addresses import Address
from bithuman_core.errors import AddressError, AudioError
from bithuman_core.timing import SAMPLE_RATE
from bithuman_core.voice import TextToSpeech
from bithuman_core.voice.address import RATE, SpeechAddress

KEY = "sk-of-nobody"


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """An address at which the application answers."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        threading.Event().wait(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.should_exit = True
        thread.join()


class Service:
    """A service that says half a second a character of its model's name, or fails as it is told."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.status, self.content = 200, np.full(RATE // 2, 8000, "<i2").tobytes()
        self.app = FastAPI()
        self.app.post("/v1/audio/speech")(self.speech)

    async def speech(self, request: Request) -> Response:
        self.asked.append(await request.json())
        self.keys.append(request.headers.get("authorization"))
        if self.status != 200:
            return Response(f'{{"error": {{"message": "no {KEY}"}}}}', self.status, media_type="application/json")
        return Response(self.content, media_type="audio/pcm")


@pytest.fixture
def service() -> Iterator[tuple[Service, TextToSpeech]]:
    service = Service()
    with listening(service.app) as url:
        speech = TextToSpeech(SpeechAddress(Address(url, "a-model", SecretStr(KEY)), "alloy"), with_natural=False)
        speech.look()
        yield service, speech


def test_it_speaks_sentence_by_sentence(service: tuple[Service, TextToSpeech]) -> None:
    there, speech = service
    assert speech.voices[0].id == "alloy" and "127.0.0.1" in speech.voices[0].name
    pieces = list(speech.stream("One. Two 😀."))
    assert [piece.size for piece in pieces] == [SAMPLE_RATE // 2] * 2 and 7500 < np.median(pieces[0]) < 8500
    assert [each["input"] for each in there.asked] == ["One.", "Two."]
    assert there.asked[0]["model"] == "a-model" and there.asked[0]["voice"] == "alloy" and there.keys[0] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("status", "content", "says"),
    [
        (401, b"", "does not take the key"),
        (403, b"", "does not take the key"),
        (404, b"", "does not know the model 'a-model'"),
        (429, b"", "asked too much"),
        (500, b"", r"error \(500\)"),
        (200, b"RIFF0000WAVE", "no bare sound"),
        (200, b"", "makes no sound"),
        (200, b"\0", "makes no sound"),
    ],
)
def test_faults_are_said_in_one_sentence(
    service: tuple[Service, TextToSpeech], status: int, content: bytes, says: str
) -> None:
    there, speech = service
    there.status, there.content = status, content
    with pytest.raises(AudioError, match=says) as failed:
        speech.speak("Hello.")
    assert KEY not in str(failed.value)


def test_one_that_is_not_there_is_said() -> None:
    speech = TextToSpeech(SpeechAddress(Address("http://127.0.0.1:9/v1", "m"), "alloy"), with_natural=False)
    speech.look()
    with pytest.raises(AudioError, match="cannot be reached"):
        speech.speak("Hello.")


@pytest.mark.parametrize("url", ["", "localhost:1", "ftp://x", "file:///etc", "http://", "http://me:pw@host/v1"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(AddressError):
        Address(url, "m")


def test_a_key_is_never_shown() -> None:
    assert KEY not in repr(Address("http://h/v1", "m", SecretStr(KEY)))

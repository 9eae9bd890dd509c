"""``/v1/tts``, ``/v1/voices`` and OpenAI's ``/v1/audio/speech``."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from bithuman_core.service.api.access import Reader, Speaking
from bithuman_core.service.context import InService
from bithuman_core.service.errors import NotInstalled
from bithuman_core.voice import HOW_TO_GET_IT

router = APIRouter(tags=["speech"])

MOST = 4000  # characters
Format = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]
# of OpenAI's API, which its clients have to name: the first voice of this machine speaks for them
OPENAI_VOICES = frozenset(
    ("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse")
)
SOUND: dict[int | str, dict[str, Any]] = {
    200: {"description": "the sound", "content": {"audio/*": {"schema": {"type": "string", "format": "binary"}}}}
}


class Text(BaseModel):
    """Up to 4000 characters, and three minutes."""

    text: str = Field(min_length=1, max_length=MOST)
    voice: str = Field("", max_length=64, description="one of GET /v1/voices, or a language (fr)")
    format: Format = Field("wav", validation_alias=AliasChoices("format", "output_format", "response_format"))


class OpenAISpeech(BaseModel):
    """As OpenAI's clients send it. ``model`` and ``speed`` are accepted; there is one model, of one speed."""

    model_config = ConfigDict(extra="ignore")

    input: str = Field(min_length=1, max_length=MOST)
    model: str = Field("tts-1", max_length=64)
    voice: str = Field("alloy", max_length=64)
    response_format: Format = "mp3"
    speed: float = Field(1.0, ge=0.25, le=4.0)


class VoiceCard(BaseModel):
    """A voice."""

    id: str
    name: str


class Voices(BaseModel):
    """Those of this machine, the one first that speaks where none is named."""

    success: bool = True
    voices: list[VoiceCard]


@router.get("/v1/voices", summary="The voices of this server")
def list_voices(service: InService, _: Reader) -> Voices:
    """Natural English, a hundred languages of eSpeak NG where it is installed, and an address's where one is set."""
    return Voices(voices=[VoiceCard(id=voice.id, name=voice.name) for voice in service.voice.voices])


@router.post("/v1/tts", summary="A text as speech", response_class=Response, responses=SOUND)
def tts(service: InService, _: Speaking, text: Text) -> Response:
    """24 kHz, mono."""
    return _spoken(service, text.text, text.voice, text.format)


@router.post("/v1/audio/speech", summary="A text as speech, as OpenAI's API has it", response_class=Response, responses=SOUND)
def openai_speech(service: InService, _: Speaking, speech: OpenAISpeech) -> Response:
    """OpenAI's clients work with ``base_url="http://host/v1"`` and the secret as their key."""
    known = {voice.id for voice in service.voice.voices}
    named = "" if speech.voice in OPENAI_VOICES - known else speech.voice
    return _spoken(service, speech.input, named, speech.response_format)


def _spoken(service: InService, text: str, voice: str, form: str) -> Response:
    if not service.voice.voices:
        raise NotInstalled(HOW_TO_GET_IT)
    sound, media_type = service.speaker.speak(text, voice, form)
    return Response(sound, media_type=media_type)

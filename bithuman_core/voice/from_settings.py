"""The voices that the environment asks for."""

from __future__ import annotations

from bithuman_core.addresses import Address
from bithuman_core.settings import settings
from bithuman_core.voice.address import SpeechAddress
from bithuman_core.voice.voices import TextToSpeech


def text_to_speech(*, with_natural: bool = True) -> TextToSpeech:
    """What is installed here, and the service at ``BITHUMAN_TTS_URL`` (with _MODEL, _VOICE, _KEY) where that is set.

    Raises AddressError where it is set wrongly.
    """
    chosen = settings()
    if chosen.tts_url is None:
        return TextToSpeech(with_natural=with_natural)
    address = Address(chosen.tts_url, chosen.tts_model, chosen.tts_key)
    return TextToSpeech(SpeechAddress(address, chosen.tts_voice), with_natural=with_natural)

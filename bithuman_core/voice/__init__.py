"""Text to speech: natural English by hibari, a hundred languages by eSpeak NG, anything else at an address."""

from bithuman_core.voice.from_settings import text_to_speech
from bithuman_core.voice.voices import HOW_TO_GET_IT, TextToSpeech, Voice

__all__ = ["HOW_TO_GET_IT", "TextToSpeech", "Voice", "text_to_speech"]

"""Text to speech on this machine: eSpeak NG, where it is installed."""

from bithuman_core.voice.voices import HOW_TO_GET_IT, TextToSpeech, Voice

__all__ = ["HOW_TO_GET_IT", "TextToSpeech", "Voice"]

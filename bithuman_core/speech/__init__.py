"""Speech to mouth: the streaming ONNX net and its state."""

from bithuman_core.speech.net import SpeechNet, SpeechStream, SpeechTick
from bithuman_core.speech.visemes import VISEME_NAMES, viseme_name

__all__ = ["VISEME_NAMES", "SpeechNet", "SpeechStream", "SpeechTick", "viseme_name"]

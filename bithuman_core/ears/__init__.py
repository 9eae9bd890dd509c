"""Speech to text: who speaks and when (voice activity, turns), and what was said (on this machine or at an address)."""

from bithuman_core.ears.echo import EchoGate
from bithuman_core.ears.from_settings import speech_to_text
from bithuman_core.ears.transcriber import HOW_TO_GET_THEM, Transcriber
from bithuman_core.ears.turns import TurnBegan, TurnDetector, TurnEnded, TurnPaused, TurnSettings

__all__ = ["HOW_TO_GET_THEM", "EchoGate", "Transcriber", "TurnBegan", "TurnDetector", "TurnEnded", "TurnPaused",
           "TurnSettings", "speech_to_text"]  # fmt: skip

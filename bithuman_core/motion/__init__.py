"""Idle life, expressions, gestures, and the mixer that blends them with speech."""

from bithuman_core.motion.gesture import Gesture
from bithuman_core.motion.mixer import Mixer

__all__ = ["Gesture", "Mixer"]

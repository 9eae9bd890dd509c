"""Idle life and the mixer that blends it with speech."""

from bithuman_core.motion.mixer import Mixer

__all__ = ["Mixer"]

"""Takes: recorded motion that drives an avatar, read from files that others wrote, and laid over the avatar's own life."""

from bithuman_core.motion.take.arrays import take_of
from bithuman_core.motion.take.frames import MotionFrame, Take
from bithuman_core.motion.take.reading import read_take

__all__ = ["MotionFrame", "Take", "read_take", "take_of"]

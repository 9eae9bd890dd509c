"""The talk between a person and an avatar: what was said, and brains that answer."""

from bithuman_core.conversation.brain import Act, Brain, Line
from bithuman_core.conversation.from_settings import brain
from bithuman_core.conversation.history import History

__all__ = ["Act", "Brain", "History", "Line", "brain"]

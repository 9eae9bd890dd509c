"""The talk between a person and an avatar: what was said, and brains that answer."""

from bithuman_core.conversation.brain import Act, Brain, Line, Role
from bithuman_core.conversation.from_settings import brain
from bithuman_core.conversation.history import History
from bithuman_core.conversation.tools import Tool

__all__ = ["Act", "Brain", "History", "Line", "Role", "Tool", "brain"]

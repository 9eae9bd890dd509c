"""What is to stand behind the person: the choice, and the picture that it may name."""

from bithuman_core.background.choice import OWN, Background, Kind

__all__ = ["OWN", "Background", "Kind"]

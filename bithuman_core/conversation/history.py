"""What was said in a talk, with an end: the oldest lines go first; of an answer that was cut off, what was heard stays."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from bithuman_core.conversation.brain import Line

LINES, CHARACTERS = 40, 12_000  # some 3,000 tokens: what small models on a CPU still read in time
CUT_OFF = "—"


class History:
    """One talk's lines, the last ones."""

    def __init__(self, lines: int = LINES, characters: int = CHARACTERS) -> None:
        self._lines: deque[Line] = deque()
        self._most, self._longest = lines, characters

    @property
    def lines(self) -> Sequence[Line]:
        """From the oldest to the newest; begins with the user, as brains want it."""
        return list(self._lines)

    def hear(self, text: str) -> None:
        """What the user said. Follows what was said before without an answer."""
        self._add("user", text)

    def say(self, text: str, *, cut_off: bool = False) -> None:
        """What of an answer was really heard; ``cut_off``: there was more, and the user spoke into it."""
        heard = " ".join(text.split())
        if heard:
            self._add("avatar", f"{heard} {CUT_OFF}" if cut_off else heard)

    def clear(self) -> None:
        """Begin anew."""
        self._lines.clear()

    def _add(self, who: str, text: str) -> None:
        text = " ".join(text.split())[-self._longest :]
        if self._lines and self._lines[-1].who == who:
            text = f"{self._lines.pop().text} {text}"[-self._longest :]
        self._lines.append(Line("user" if who == "user" else "avatar", text))
        while len(self._lines) > self._most or sum(len(line.text) for line in self._lines) > self._longest:
            self._lines.popleft()
        while len(self._lines) > 1 and self._lines[0].who != "user":
            self._lines.popleft()

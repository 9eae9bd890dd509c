"""The shell blocks of a document, and what is said of each: that it is run, or why it is not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```sh ?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ELSEWHERE = "elsewhere: "


@dataclass(frozen=True)
class Block:
    """said: the words behind ``sh``."""

    said: str
    commands: str


def blocks(document: Path) -> list[Block]:
    """All of them, in order."""
    return [Block(*found) for found in FENCE.findall(document.read_text("utf-8"))]

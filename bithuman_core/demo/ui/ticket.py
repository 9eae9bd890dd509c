"""What the server tells the stage: who its visitor is, which avatar it shows, and what is to be said next."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from bithuman_core.demo.visitors.visitor import Visitor
from bithuman_core.fastrtc.clip_queue import Clip

NOBODY = '<span data-ticket="null"></span>'  # before the page has come, and where it was not let in


def ticket(visitor: Visitor, say: Clip | None = None) -> str:
    """HTML without anything to be seen, which the stage watches. ``say``: the stage goes live where it is not, and says it."""
    if say is not None:
        visitor.said += 1
    return _html({
        "visit": visitor.secret,
        "avatar": visitor.avatar.card(),
        "way": visitor.way,
        "say": None if say is None else {"clip": say.key, "number": visitor.said},
    })  # fmt: skip


def refused(sentence: str) -> str:
    """For a page that is not let in."""
    return _html({"refused": sentence})


def _html(told: dict[str, Any]) -> str:
    return f'<span data-ticket="{escape(json.dumps(told))}"></span>'

"""What a role can do beside its words, as tools that models know: ``gesture(name)`` and ``emotion(name)``."""

from __future__ import annotations

import json
from typing import Any

from bithuman_core.conversation.brain import Act, Role


def role_tools(role: Role) -> list[dict[str, Any]]:
    """As OpenAI's API takes them; what the role does not have is left out."""
    offered = (
        ("gesture", role.gestures, "Make a gesture while you speak."),
        ("emotion", role.emotions, "Show an emotion from now on."),
    )
    return [
        {
            "type": "function",
            "function": {
                "name": kind,
                "description": what,
                "parameters": {
                    "type": "object",
                    "properties": {"name": {"type": "string", "enum": list(names)}},
                    "required": ["name"],
                },
            },
        }
        for kind, names, what in offered
        if names
    ]


def act_of(role: Role, tool: str, arguments: str) -> Act | None:
    """What a call asks for; None where the role cannot do it: models make names up."""
    try:
        given = json.loads(arguments or "{}")
    except ValueError:
        return None
    name = given.get("name") if isinstance(given, dict) else None
    if tool == "gesture" and name in role.gestures:
        return Act("gesture", str(name))
    if tool == "emotion" and name in role.emotions:
        return Act("emotion", str(name))
    return None

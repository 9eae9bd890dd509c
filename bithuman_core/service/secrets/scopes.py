"""What a secret may."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class Scope(str, Enum):
    """Each is a right of its own; ``admin`` holds all of them, and secrets and the audit log with them."""

    READ = "read"  # ask for agents, files, jobs; runtime tokens
    SPEAK = "speak"  # let avatars speak: rooms, texts, speech, embedded ones
    BUILD = "build"  # make, change and delete agents, videos, files, webhooks
    ADMIN = "admin"


def scopes_of(names: Iterable[str]) -> list[str]:
    """Scopes by their names, each once. Raises ValueError with a sentence."""
    known = [scope.value for scope in Scope]
    asked = list(dict.fromkeys(name.strip().lower() for name in names))
    wrong = [name for name in asked if name not in known]
    if wrong or not asked:
        raise ValueError(f"A secret has scopes of {', '.join(known)}, and not {', '.join(map(repr, wrong)) or 'none'}.")
    return asked


def may(scopes: Iterable[str], wanted: Scope) -> bool:
    """Whether one of the scopes allows it."""
    return bool({wanted.value, Scope.ADMIN.value}.intersection(scopes))

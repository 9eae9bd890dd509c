"""Names of things that are made here."""

from __future__ import annotations

import secrets
import string

CODE_PATTERN = r"^[A-Za-z0-9_-]{3,32}$"  # of an agent
DIGITS, LETTERS = string.digits, string.ascii_uppercase


def agent_code() -> str:
    """A code in the form that users know: ``A12ABC3456`` (some 1.7e10 of them; the database says where one is taken)."""
    return f"A{_some(DIGITS, 2)}{_some(LETTERS, 3)}{_some(DIGITS, 4)}"


def identifier(prefix: str = "") -> str:
    """A name that nobody guesses: 96 bits."""
    return prefix + secrets.token_hex(12)


def _some(letters: str, count: int) -> str:
    return "".join(secrets.choice(letters) for _ in range(count))

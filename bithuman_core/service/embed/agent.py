"""The agent that a page shows, as far as the page's token says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ShownAgent:
    """site: the origin of the page that shows it. model: sha256 of its file. prompt: its persona, "" for the one in the file."""

    code: str
    name: str
    prompt: str
    model: str
    site: str

"""Gradio keeps a record of every event for ever, and makes a table of all of them at each one. Neither is wanted here."""

from __future__ import annotations

from typing import Any

KEPT = 1000  # events, the last ones: many times what can wait


class RecentEvents(dict[str, dict[str, Any]]):
    """Gradio's records by event, in place of its own dict: the oldest are forgotten; what is written of those goes nowhere."""

    def __setitem__(self, event: str, record: dict[str, Any]) -> None:
        super().__setitem__(event, record)
        if len(self) > KEPT:
            del self[next(iter(self))]

    def __missing__(self, event: str) -> dict[str, Any]:
        return {}

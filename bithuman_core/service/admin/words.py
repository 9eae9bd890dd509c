"""How times, sizes and counts are written on the admin page."""

from __future__ import annotations

from datetime import datetime, timezone
from html import escape


def when(at: float | None) -> str:
    """Unix seconds as a date and a time, UTC."""
    return "" if at is None else datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def how_long(seconds: float) -> str:
    """So many seconds, minutes or hours."""
    if seconds < 60:
        return f"{max(seconds, 0):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(count: int | None) -> str:
    """Bytes as MB."""
    return "" if count is None else f"{count / 1e6:.1f} MB"


def figures(named: dict[str, object]) -> str:
    """A row of large numbers with their names below, as HTML."""
    cells = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>" for name, value in named.items())
    return f'<dl class="figures">{cells}</dl>'

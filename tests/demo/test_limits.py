"""The table of limits says what the code does."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from bithuman_core.demo.limits import KIB, MIB, Limits

DOC = Path(__file__).resolve().parents[2] / "docs" / "limits.md"
ROW = re.compile(r"^\| \w+ \| `(\w+)` \| ([^|]+) \| [^|]+ \| [^|]+ \|$", re.MULTILINE)


def shown(name: str, value: Any) -> str:
    """A limit as people read it."""
    if value == float("inf"):
        return "none"
    rate = " a second" if name.endswith("_per_second") else ""
    if "bytes" in name:
        return (f"{value // MIB} MiB" if value >= MIB else f"{value // KIB} KiB") + rate
    return f"{value:g}{rate or (' s' if isinstance(value, float) else '')}"


def test_the_table_has_every_limit_and_its_number() -> None:
    told = dict(ROW.findall(DOC.read_text("utf-8")))
    assert told == {each.name: shown(each.name, each.default) for each in fields(Limits) if each.name != "own_machine"}

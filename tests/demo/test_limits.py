"""The table of limits says what the code does."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from bithuman_core.demo.limits import KIB, MIB, Limits
from bithuman_core.intake import allowance
from bithuman_core.intake.allowance import Allowance
from bithuman_core.intake.pool import MOST
from bithuman_core.uploads.avatar_limits import FOOTAGE, GROUP_MS, PIXELS, PORTRAIT, SIDE, TICK_MS

DOC = Path(__file__).resolve().parents[2] / "docs" / "limits.md"
ROW = re.compile(r"^\| \w+ \| `([\w.]+)` \| ([^|]+) \| [^|]+ \| [^|]+ \|$", re.MULTILINE)


def shown(name: str, value: Any) -> str:
    """A limit as people read it."""
    if value == float("inf"):
        return "none"
    rate = " a second" if name.endswith("_per_second") else ""
    if "bytes" in name:
        return (f"{value // MIB} MiB" if value >= MIB else f"{value // KIB} KiB") + rate
    return f"{value:g}{rate or (' s' if isinstance(value, float) else '')}"


def limits() -> dict[str, str]:
    """Every limit of the code, as the table has it."""
    said = {each.name: shown(each.name, each.default) for each in fields(Limits) if each.name != "own_machine"}
    for name, each in vars(allowance).items():
        if isinstance(each, Allowance):
            said |= {f"{name}.work": f"{each.work:g} s", f"{name}.wait": f"{each.wait:g} s"}
            said[f"{name}.memory"] = f"{each.memory // MIB} MiB"
    said |= {name: f"{most:,}" for name, (_, most) in {**FOOTAGE, **PORTRAIT}.items()}
    said |= {"TICK_MS": f"{TICK_MS:g} ms", "GROUP_MS": f"{GROUP_MS:g} ms"}
    return said | {"SIDE": f"{SIDE} px", "PIXELS": f"{PIXELS:,}", "MOST": str(MOST)}


def test_the_table_has_every_limit_and_its_number() -> None:
    rows = ROW.findall(DOC.read_text("utf-8"))
    assert len(rows) == len(dict(rows))
    assert dict(rows) == limits()

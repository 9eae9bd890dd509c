"""``bench``, ``doctor``, ``demo``: this machine."""

from __future__ import annotations

import json
import os
import sys
from typing import Annotated

import typer

from bithuman_core.cli.common import DefaultAvatar, JsonOption, app
from bithuman_core.settings import PACKAGE, default_avatar


@app.command()
def bench(
    avatar: DefaultAvatar = None,
    as_json: JsonOption = False,
    seconds: Annotated[float, typer.Option(help="How much speech to render.", min=1.0)] = 20.0,
) -> None:
    """Measure this machine: CPU time of a tick and of its stages, start-up, memory."""
    from bithuman_core.cli.bench import measure

    figures = measure(avatar or default_avatar(), seconds)
    if as_json:
        print(json.dumps(figures, indent=1))
        return
    for key, value in figures.items():
        entries = value.items() if isinstance(value, dict) else [("", value)]
        for name, number in entries:
            print(f"{key + (' ' + name if name else ''):24s}{number:10.2f}")


@app.command()
def doctor(as_json: JsonOption = False) -> None:
    """Look whether everything that avatars need works here: versions, speech net, renderer, builder, page."""
    from bithuman_core.cli.doctor import examine

    findings = examine()
    if as_json:
        print(json.dumps({finding.what: {"ok": finding.ok, "says": finding.says} for finding in findings}, indent=1))
    else:
        print("\n".join(f"{'ok ' if finding.ok else 'NOT'}  {finding.what:18s}{finding.says}" for finding in findings))
    if not all(finding.ok or finding.optional for finding in findings):
        raise typer.Exit(70)


@app.command("stream", hidden=True)  # its other name
@app.command("run")
@app.command()
def demo(avatar: DefaultAvatar = None) -> None:
    """Open the page with this avatar (from a copy of the source, where app.py is)."""
    page = PACKAGE.parent / "app.py"
    if not page.is_file():
        raise typer.BadParameter("the page, app.py, is not part of the installed package: clone the source and run make demo")
    os.execv(sys.executable, [sys.executable, str(page), "--avatar", str((avatar or default_avatar()).resolve())])

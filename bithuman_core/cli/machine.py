"""``bench``, ``doctor``, ``demo``: this machine."""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from typing import Annotated

import typer

from bithuman_core.cli.common import DefaultAvatar, JsonOption, app
from bithuman_core.errors import Failed
from bithuman_core.settings import default_avatar


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
    """Open the browser page with this avatar."""
    if any(find_spec(package) is None for package in ("fastrtc", "gradio", "mcp")):
        raise Failed("The page needs more packages: run pip install 'bithuman-core[demo]'.")
    shown = str((avatar or default_avatar()).resolve())
    os.execv(sys.executable, [sys.executable, "-m", "bithuman_core.demo", "--avatar", shown])

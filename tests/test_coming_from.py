"""The table "Coming from the bitHuman SDK" of the README: every cell is run, the old side under the old name."""

from __future__ import annotations

import ast
import inspect
import os
import re
import sys
import wave
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import bithuman_core
from bithuman_core import AsyncBithuman, AudioChunk, Bithuman, Fixture, VideoControl, cli, compat
from bithuman_core.settings import models_dir, settings
from tests.simulated import SimulatedClock

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
HEADING = "## Coming from the bitHuman SDK"
CODE = re.compile(r"`([^`]+)`")
MISSING_PIPECAT = find_spec("pipecat") is None and (os.environ.get("CI") != "true" or sys.version_info < (3, 11))
MISSING_LIVEKIT = find_spec("livekit") is None and os.environ.get("CI") != "true"


def table() -> list[tuple[str, str]]:
    """(side, code) of every cell."""
    section = README.partition(HEADING)[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return [(side, CODE.findall(cell)[0]) for row in rows for side, cell in zip(("before", "now"), row, strict=True)]


@pytest.mark.xfail(HEADING not in README, strict=True, reason="the section is not in the README")
def test_the_table_is_there() -> None:
    cells = table()
    assert len(cells) >= 30
    assert sum("import" in code for _, code in cells) >= 12


@pytest.fixture
def desk(tmp_path: Path, speech: NDArray[np.int16], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with an avatar under both names and a sound file."""
    for name in ("avatar.imx", "mara.imx"):
        (tmp_path / name).symlink_to((models_dir() / "mara.imx").resolve())
    with wave.open(str(tmp_path / "speech.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(speech[:6400].tobytes())
    for name in [name for name in os.environ if name.startswith("BITHUMAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


@pytest.fixture
async def names(fixture: Fixture, speech: NDArray[np.int16]) -> AsyncIterator[dict[str, Any]]:
    """What the cells take for granted."""
    async with AsyncBithuman(fixture, clock=SimulatedClock(), output_size=128) as runtime:
        yield {
            "AsyncBithuman": AsyncBithuman, "AudioChunk": AudioChunk, "Bithuman": Bithuman, "VideoControl": VideoControl,
            "bithuman_core": bithuman_core, "runtime": runtime, "samples": speech[:1600], "pcm": speech[:1600].tobytes(),
            "secret": "any",
        }  # fmt: skip


@pytest.mark.parametrize(("side", "code"), table())
async def test_every_cell_runs(
    side: str, code: str, desk: Path, names: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if MISSING_LIVEKIT and ("livekit" in code or "AvatarSession" in code):
        pytest.skip("the livekit extra is not installed")
    if MISSING_PIPECAT and "pipecat" in code:
        pytest.skip("the pipecat extra is not installed")
    if side == "before":
        compat.install()
    try:
        if re.match(r"bithuman(-core)? \w", code):
            run_command(code, monkeypatch)
        else:
            await run(code, side, names)
    finally:
        compat.uninstall()
    if "talk.mp4" in code:
        assert (desk / "talk.mp4").stat().st_size > 10_000
    if "frames" in names:
        assert len(names["frames"]) >= 2
    if "async for" in code:
        assert names["frames"][0].has_image


async def run(code: str, side: str, names: dict[str, Any]) -> None:
    """As a line of a program whose loop runs."""
    if side == "before" and "bithuman." in code:
        code = f"import bithuman\n{code}"
    if "AvatarSession(" in code:
        home = "livekit.plugins.bithuman" if side == "before" else "bithuman_core.livekit"
        code = f"from {home} import AvatarSession\n{code}"
    waiting = eval(compile(code, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
    if inspect.isawaitable(waiting):
        await waiting
    made = names.get("r")
    if isinstance(made, AsyncBithuman):
        await made.shutdown()


def run_command(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As typed into a shell."""
    monkeypatch.setattr(sys, "argv", line.split())
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code

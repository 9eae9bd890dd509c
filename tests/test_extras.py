"""What is not installed is named with the extra that brings it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("missing", "statement", "extra"),
    [
        ("fastrtc", "import bithuman_core.fastrtc", "fastrtc"),
        ("livekit", "import bithuman_core.livekit", "livekit"),
        ("pipecat", "import bithuman_core.pipecat", "pipecat"),
        ("sqlalchemy", "import bithuman_core.service", "serve"),
        ("ray.serve", "import bithuman_core.cluster", "cluster"),
        ("scipy", "from bithuman_core.build import build_avatar, analyse", "build"),
    ],
)
def test_an_import_names_its_extra(missing: str, statement: str, extra: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None\n{statement}"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 1
    assert f"pip install 'bithuman-core[{extra}]'" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("missing", "arguments", "extra"),
    [
        ("scipy", ["build", "photo.jpg", "-o", "me.imx", "--consent", "me"], "build"),
        ("gradio", ["demo"], "demo"),
        ("livekit", ["worker"], "livekit,fastrtc"),
        ("sqlalchemy", ["secrets", "list"], "serve"),
        ("ray", ["serve", "--cluster", "auto"], "cluster"),
    ],
)
def test_a_command_names_its_extra(tmp_path: Path, missing: str, arguments: list[str], extra: str) -> None:
    program = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv[1:] = {arguments!r}\n"
        "import importlib.util; find = importlib.util.find_spec\n"
        f"importlib.util.find_spec = lambda name, *rest: None if name == {missing!r} else find(name, *rest)\n"
        "from bithuman_core.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 70
    assert f"'bithuman-core[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr

"""In gVisor's sandbox, where hosts of containers run what they do not trust: the page, a video, an avatar from a photo."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bithuman_core.settings import models_dir
from tests.audio.test_file import write_wav
from tests.faults.gvisor import MISSING, SANDBOX, find_runsc

ROOT = Path(__file__).parents[2]
PATIENCE = 240  # s; some 10 on a machine that is not busy
PAGE = f"""
import signal, subprocess, sys
import httpx
command = [sys.executable, "app.py", "--no-open-browser", "--port", "7860"]  # the sandbox has a network of its own
server = subprocess.Popen(command, cwd={str(ROOT)!r}, stdout=subprocess.PIPE, text=True)
for line in server.stdout:
    if line.startswith("Ready"):
        break
assert httpx.get("http://127.0.0.1:7860/health").json()["status"] == "ok"
server.send_signal(signal.SIGTERM)
sys.exit(server.wait(60))
"""


@pytest.fixture(scope="module")
def runsc() -> str:
    path = find_runsc()
    if path is None:
        pytest.skip(MISSING)
    return path


def sandboxed(runsc: str, *arguments: str) -> str:
    """What Python says in the sandbox. It ends with exit code 0."""
    command = [runsc, *SANDBOX, "-cwd", str(ROOT), sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def test_a_video_is_rendered(runsc: str, tmp_path: Path, speech: NDArray[np.int16]) -> None:
    sound = write_wav(tmp_path / "speech.wav", speech[:8000], 16000)
    avatar = str(models_dir() / "mara.imx")
    said = sandboxed(runsc, "-m", "bithuman_core", "render", avatar, "-a", str(sound), "-o", str(tmp_path / "out.mp4"))
    assert "13 frames" in said


def test_an_avatar_is_built_from_a_photo(runsc: str, tmp_path: Path) -> None:
    photo = str(ROOT / "tests" / "data" / "astronaut.jpg")
    out = str(tmp_path / "me.imx")
    assert "me.imx" in sandboxed(runsc, "-m", "bithuman_core", "build", photo, "--consent", "public domain", "-o", out)


def test_the_page_is_served_and_ends_when_asked_to(runsc: str) -> None:
    sandboxed(runsc, "-c", PAGE)

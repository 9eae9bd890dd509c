"""What docs/service.md says can be done can be done: its examples run, against a server as ``serve`` runs it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.service_walk import walk
from tests.go_program import free_ports
from tests.service.serving import ALL, MARA, PHOTO, listening, make_service

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "service.md"
CLIP = ROOT / "tests" / "data" / "1688-142285-0005.flac"


def blocks(language: str) -> str:
    """All examples of a language, one after the other."""
    found = re.findall(rf"^```{language} run\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(found) > 5
    return "\n".join(found)


@pytest.mark.parametrize("language", ["sh", "python"])
def test_the_examples_run_as_they_stand(tmp_path: Path, language: str) -> None:
    if language == "sh" and shutil.which("curl") is None:
        pytest.skip("no curl")
    shutil.copy(MARA, tmp_path / "me.imx")
    shutil.copy(CLIP, tmp_path / "speech.flac")
    service = make_service(f"sqlite:///{tmp_path / 'service.db'}", tmp_path / "files", time.time, fetch_from=("localhost",))
    secret, _ = service.secrets.create("docs", ALL)
    with listening(service) as url:
        command = ["bash", "-eu", "-o", "pipefail"] if language == "sh" else [sys.executable, "-"]
        environment = {
            **os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
            "URL": url, "BITHUMAN_API_SECRET": secret, "HOOK": "http://localhost:9/hook",
            "BITHUMAN_SERVICE_FOLDER": str(tmp_path),
        }  # fmt: skip
        more = {"capture_output": True, "text": True, "timeout": 240, "check": False}
        done = subprocess.run(command, input=blocks(language), env=environment, cwd=tmp_path, **more)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-1000:]
    if language == "sh":
        for name in ("hello.mp4", "hello.wav", "hello.mp3", "CURL.imx", "CURL.webp"):
            assert (tmp_path / name).stat().st_size > 500, name


def test_the_first_walk_ends_with_a_video(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl")
    shutil.copy(PHOTO, tmp_path / "me.jpg")
    (port,) = free_ports(1)
    commands = re.sub(r"^pip install .*$", "", "\n".join(walk()), flags=re.MULTILINE)  # it is installed
    commands = commands.replace("8088", str(port)).replace("serve &", f"serve --port {port} &")
    own = {name: value for name, value in os.environ.items() if not name.startswith("BITHUMAN_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**own, "PATH": path, "PYTHONPATH": str(ROOT), "XDG_DATA_HOME": str(tmp_path)}
    with (tmp_path / "log").open("w") as log:
        shell = subprocess.Popen(
            ["bash", "-eu", "-o", "pipefail", "-c", commands], env=environment, cwd=tmp_path, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
        try:
            assert shell.wait(300) == 0, (tmp_path / "log").read_text()[-2000:]
        finally:
            os.killpg(shell.pid, signal.SIGTERM)
    assert '{"valid":true}' in (tmp_path / "log").read_text()
    assert (tmp_path / "hello.mp4").read_bytes()[4:8] == b"ftyp" and (tmp_path / "hello.mp4").stat().st_size > 20_000


def test_every_call_has_an_example_in_both_languages(tmp_path: Path) -> None:
    service = make_service(f"sqlite:///{tmp_path / 'service.db'}", tmp_path / "files", time.time)
    from bithuman_core.service.app import service_app

    curl, python = blocks("sh"), blocks("python")
    for path in service_app(service).openapi()["paths"]:
        for text in (curl, python):
            pattern = r"[^\s]+?".join(map(re.escape, re.split(r"\{\w+\}", path)))
            assert re.search(pattern, text) or (path.startswith("/v1/files/") and "$FILE" in text), path
    service.close()

"""``bithuman-core serve`` as a process: it serves, ends when it is told to, and says why where it cannot."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

COMMAND = (sys.executable, "-m", "bithuman_core")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def test_it_serves_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    folder = ("--folder", str(tmp_path))
    made = subprocess.run([*COMMAND, "secrets", "create", "me", *folder], capture_output=True, text=True, check=True)
    port = free_port()
    command = [*COMMAND, "serve", "--port", str(port), "--rooms", "0", *folder]
    serving = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert serving.stderr is not None
        assert f"Ready: http://127.0.0.1:{port}/v1" in serving.stderr.readline()
        url, shown = f"http://127.0.0.1:{port}", {"api-secret": made.stdout.strip()}
        with httpx.Client(base_url=url, headers=shown, trust_env=False, timeout=60) as client:
            assert client.post("/v1/validate").json() == {"valid": True}
            assert client.get("/v1/agents").json()["total"] == 0
            assert client.get("/ready").status_code == 200
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(30) == 0
        assert serving.stderr.read() == "", "it ends without a word"
    finally:
        serving.kill()
        serving.wait()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--database", "mysql://me:hidden@h/d"], "give sqlite"),
        (["--database", "postgresql://me:hidden@127.0.0.1:1/x"], "does not answer"),
        (["--storage", "nowhere://bucket"], "give a folder"),
        (["--folder", "/proc/nothing/here"], "give another --folder"),
        (["--import", "/dev/null"], "export it again"),
    ],
)
def test_what_it_cannot_do_gets_a_sentence(tmp_path: Path, arguments: list[str], says: str) -> None:
    environment = {**os.environ, "BITHUMAN_SERVICE_FOLDER": str(tmp_path), "COLUMNS": "300"}
    command = [*COMMAND, "serve", "--port", str(free_port()), "--rooms", "0", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 70 and says in done.stderr, done.stderr
    assert "hidden" not in done.stderr and "Traceback" not in done.stderr


def test_the_command_line_brings_neither_the_service_nor_the_renderers_along() -> None:
    heavy = {"sqlalchemy", "fastapi", "numba", "scipy", "bithuman_core.service", "bithuman_core.render"}
    program = f"import sys, bithuman_core.cli; print({heavy} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

"""``bithuman-core serve --cluster`` as a process, and what it refuses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.plugins import need

need("ray", "psycopg", "fastrtc")

from ray._common.utils import get_ray_address_file  # noqa: E402

from bithuman_core.cluster.application import from_arguments  # noqa: E402
from bithuman_core.errors import Failed  # noqa: E402
from tests.cluster.nodes import quiet_port  # noqa: E402

COMMAND = (sys.executable, "-m", "bithuman_core")


@pytest.fixture
def died_without_a_word() -> Iterator[None]:
    """Ray has noted a cluster on this machine that is there no more, as after a power cut."""
    noted = Path(get_ray_address_file(None))
    before = noted.read_text() if noted.exists() else None
    noted.parent.mkdir(parents=True, exist_ok=True)
    noted.write_text(f"127.0.0.1:{quiet_port()}")
    yield
    noted.unlink() if before is None else noted.write_text(before)


@pytest.mark.usefixtures("died_without_a_word")
def test_a_cluster_of_its_own_serves_and_ends_with_the_command(tmp_path: Path) -> None:
    folder = ("--folder", str(tmp_path))
    made = subprocess.run([*COMMAND, "secrets", "create", "me", *folder], capture_output=True, text=True, check=True)
    port = quiet_port()
    command = [*COMMAND, "serve", "--cluster", "auto", "--port", str(port), "--max-workers", "1", *folder]
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    serving = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert serving.stderr is not None
        lines = list[str]()
        while not lines or "Ready" not in lines[-1]:
            lines.append(serving.stderr.readline())
            assert lines[-1], "".join(lines)
        assert f"Ready: http://127.0.0.1:{port}/v1 on 1 machines" in lines[-1]
        shown = {"api-secret": made.stdout.strip()}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=shown, trust_env=False, timeout=60) as client:
            assert client.post("/v1/validate").json() == {"valid": True}
            assert client.get("/tasks").json() == {"tasks": []}
            assert client.get("/health", headers={"host": "evil.example"}).status_code == 421
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(60) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False)
    finally:
        serving.kill()
        serving.wait()


@pytest.mark.parametrize(
    ("address", "says"),
    [("nowhere", "no address of a cluster"), ("127.0.0.1:1", "No cluster answers"), ("http://x:1", "no address of a cluster")],
)
def test_addresses_of_no_cluster_are_refused(tmp_path: Path, address: str, says: str) -> None:
    command = [*COMMAND, "serve", "--cluster", address, "--folder", str(tmp_path)]
    environment = {**os.environ, "COLUMNS": "300"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200, env=environment)
    assert done.returncode == 70 and says in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_arguments_of_a_configuration_file_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BITHUMAN_DATABASE_URL", "BITHUMAN_STORAGE_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(Failed, match="no argument 'place'"):
        from_arguments({"place": 3})
    with pytest.raises(Failed, match="BITHUMAN_DATABASE_URL"):
        from_arguments({"storage": "/files"})
    assert from_arguments({"database": "postgresql://x@h/d", "storage": "/files", "places": 2, "hosts": ["api.example.org"]})

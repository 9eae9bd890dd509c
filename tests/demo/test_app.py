"""``app.py`` as users of Gradio know it: ``demo`` and ``app`` by name, ``python app.py``, ``gradio app.py``."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from bithuman_core.demo.settings import avatar_files, read_settings

ROOT = Path(__file__).resolve().parents[2]
LAUNCHED = "Running on local URL"


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "BITHUMAN_OPEN_BROWSER": "false", "PYTHONUNBUFFERED": "1", **more}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 90
    while not done():
        assert time.monotonic() < end
        time.sleep(5)  # a reload takes some seconds


def test_demo_and_app_are_names_of_the_module() -> None:
    program = "import app, gradio, fastapi; assert isinstance(app.demo, gradio.Blocks) and isinstance(app.app, fastapi.FastAPI)"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment(), check=True, capture_output=True)


def test_a_wrong_option_gets_a_sentence() -> None:
    for options, word in ((["--port", "0"], "--port"), (["--avatar", "nobody.imx"], "nobody.imx")):
        ended = subprocess.run(
            [sys.executable, "app.py", *options], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
        )
        assert ended.returncode == 1 and word in ended.stderr and "Traceback" not in ended.stderr


def test_a_port_that_is_taken_gets_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [sys.executable, "app.py", "--port", port], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
        )
    assert ended.returncode == 1 and "choose another --port" in ended.stderr


def test_gradio_runs_it_and_follows_changes(tmp_path: Path) -> None:
    program, port = tmp_path / "app.py", free_port()
    program.write_text((ROOT / "app.py").read_text("utf-8"), "utf-8")
    command = [str(Path(sys.executable).with_name("gradio")), "app.py"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment(BITHUMAN_PORT=str(port), PYTHONPATH=str(ROOT)), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if LAUNCHED in line:
                break
        assert LAUNCHED in said, said
        url = f"http://127.0.0.1:{port}"
        page = httpx.get(url)
        assert "stage/element.js" in page.text and "nonce-" in page.headers["content-security-policy"]
        assert httpx.get(f"{url}/health").json()["status"] == "ok"
        program.write_text(program.read_text("utf-8") + '\ndemo.title = "Changed"\n', "utf-8")

        def followed() -> bool:
            os.utime(program)  # Gradio may not have begun to watch when it was written
            return httpx.get(f"{url}/config", timeout=30).json()["title"] == "Changed"

        until(followed)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def test_the_first_avatar_may_be_named_without_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("theo", "theo.imx"):
        monkeypatch.setenv("BITHUMAN_AVATAR", name)
        assert [path.name for path in avatar_files(read_settings())] == ["theo.imx", "erik.imx", "mara.imx", "mara_film.imx"]

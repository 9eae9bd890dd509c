"""What people get who install the package: the wheel in a clean environment, away from the source, opens the same page."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bithuman_core.settings import models_dir

ROOT = Path(__file__).resolve().parents[1]
STAGE = {"stage.html", "stage.css", "page.css", "element.js", "call.js", "icon.svg"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The program of a new environment with nothing of ours but the wheel, its folders read-only, in a path that is no plain one.

    What the wheel depends on is lent by this environment.
    """
    home = tmp_path_factory.mktemp("Ada Lövelace – 我")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home / "env")], check=True)
    packages = next((home / "env").glob("lib/python*/site-packages"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(packages), str(wheel)], check=True)
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    for path in packages.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    program = home / "env" / "bin" / "python"
    yield program
    for path in packages.rglob("*"):
        path.chmod(0o755)


def test_the_wheel_brings_the_page_and_the_models(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {f"bithuman_core/demo/stage/{name}" for name in STAGE} <= set(names)
    assert {"bithuman_core/_models/mara.imx", "bithuman_core/_models/speech.onnx"} <= set(names)
    assert not [name for name in names if name.startswith(("tests/", "training/"))]


@contextmanager
def running(program: Path, folder: Path, *options: str) -> Iterator[str]:
    """``bithuman-core demo`` in an empty folder; the address that it serves."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "BITHUMAN"))}
    environment |= {"BITHUMAN_PORT": str(port), "BITHUMAN_OPEN_BROWSER": "false", "PYTHONUNBUFFERED": "1",
                    "PYTHONDONTWRITEBYTECODE": "1", "XDG_CACHE_HOME": str(folder / "cache")}  # fmt: skip
    command = [str(program), "-m", "bithuman_core", "demo", *options]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("Ready"):
            break
    try:
        assert said and said[-1].startswith("Ready"), "".join(said)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def test_an_installed_package_opens_the_page_with_an_avatar_of_ones_own(installed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "leerer Ordner – 空"
    folder.mkdir()
    shutil.copy(models_dir() / "erik.imx", folder / "ich – 我.imx")
    where = subprocess.run(
        [str(installed), "-c", "import bithuman_core; print(bithuman_core.__file__)"],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "Lövelace" in where.stdout  # not the source
    with running(installed, folder, "ich – 我.imx") as url:
        page = urllib.request.urlopen(url).read().decode()
        assert "avatar-stage" in page and "stage/element.js" in page
        assert urllib.request.urlopen(f"{url}/stage/element.js").status == 200
        avatars = json.loads(urllib.request.urlopen(f"{url}/config").read())
        assert avatars["title"].startswith("Erik")
        assert json.load(urllib.request.urlopen(f"{url}/health"))["status"] == "ok"
    assert {path.name for path in folder.iterdir()} <= {"ich – 我.imx", "cache"}  # nothing else was left in it

"""The name ``bithuman``, on request only."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

import bithuman_core
from bithuman_core import compat
from bithuman_core.errors import BithumanError

MODULES = {
    "bithuman.api": "bithuman_core.types",
    "bithuman.audio": "bithuman_core.audio",
    "bithuman.config": "bithuman_core.settings",
    "bithuman.exceptions": "bithuman_core.errors",
    "bithuman.fastrtc": "bithuman_core.fastrtc",
    "bithuman.imx.reader": "bithuman_core.imx.reader",
    "bithuman.runtime": "bithuman_core.runtime",
    "bithuman.utils": "bithuman_core.utils",
}


@pytest.fixture
def installed() -> Iterator[None]:
    compat.install()
    yield
    compat.uninstall()


def test_nothing_is_registered_before_install() -> None:
    program = "import sys, bithuman_core, bithuman_core.runtime, bithuman_core.compat; sys.exit('bithuman' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("foreign", MODULES)
def test_modules_are_the_same_objects_under_both_names(foreign: str) -> None:
    assert importlib.import_module(foreign) is importlib.import_module(MODULES[foreign])
    assert importlib.import_module("bithuman") is bithuman_core


@pytest.mark.usefixtures("installed")
def test_the_imports_of_public_examples_work() -> None:
    names: dict[str, object] = {}
    exec(  # what the examples write, as a program would
        "from bithuman import AsyncBithuman, AudioChunk, Emotion, EmotionPrediction, VideoControl, VideoFrame\n"
        "from bithuman.api import VideoControl as FromApi\n"
        "from bithuman.audio import float32_to_int16, load_audio\n"
        "from bithuman.exceptions import TokenExpiredError\n"
        "from bithuman.utils import FPSController\n",
        names,
    )
    assert names["AsyncBithuman"] is bithuman_core.AsyncBithuman
    assert names["FromApi"] is names["VideoControl"] is bithuman_core.VideoControl


@pytest.mark.usefixtures("installed")
def test_install_twice_is_once_and_unknown_modules_stay_unknown() -> None:
    before = list(sys.meta_path)
    compat.install()
    assert sys.meta_path == before
    with pytest.raises(ModuleNotFoundError, match=r"bithuman\.nothing"):
        importlib.import_module("bithuman.nothing")


def test_uninstall_takes_the_name_away() -> None:
    compat.install()
    importlib.import_module("bithuman.audio")
    compat.uninstall()
    assert not [name for name in sys.modules if name == "bithuman" or name.startswith("bithuman.")]
    assert importlib.import_module("bithuman_core.audio")


def test_the_real_one_is_not_replaced_once_it_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    real = types.ModuleType("bithuman")
    monkeypatch.setitem(sys.modules, "bithuman", real)
    with pytest.raises(BithumanError, match="very beginning") as caught:
        compat.install()
    assert caught.value.code == "ALREADY_IMPORTED"
    assert sys.modules["bithuman"] is real


@pytest.mark.parametrize(
    ("file", "absent", "sentence"),
    [
        ("livekit/__init__.py", "livekit", r"pip install 'bithuman-core\[livekit\]'"),
        ("pipecat.py", "pipecat.frames.frames", r"pip install 'bithuman-core\[pipecat\]' \(Python 3.11"),
    ],
)
def test_a_missing_extra_is_named(file: str, absent: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, absent, None)
    source = Path(bithuman_core.__file__).parent / file
    with pytest.raises(ModuleNotFoundError, match=sentence):
        exec(compile(source.read_text("utf-8"), source, "exec"), {"__name__": "fresh"})


def test_the_workers_missing_extras_are_named_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = importlib.import_module("bithuman_core.worker")
    monkeypatch.setitem(sys.modules, "fastapi", None)
    monkeypatch.delitem(sys.modules, "bithuman_core.worker.web", raising=False)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'bithuman-core\[livekit,fastrtc\]'"):
        _ = worker.worker_app

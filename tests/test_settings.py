"""Settings from an environment and a ``.env`` file that other programs share."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bithuman_core.settings import Settings, default_avatar, find_avatar, models_dir, settings

ROOT = Path(__file__).parents[1]


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.LogCaptureFixture:
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.WARNING)
    return caplog


@pytest.mark.parametrize(
    ("name", "value", "field", "default"),
    [
        ("FPS", "30", "FPS", 25),
        ("fps", "fast", "FPS", 25),
        ("INPUT_SAMPLE_RATE", "48000", "INPUT_SAMPLE_RATE", 16000),
        ("OUTPUT_WIDTH", "auto", "OUTPUT_WIDTH", 0),
        ("OUTPUT_WIDTH", "10", "OUTPUT_WIDTH", 0),
        ("OUTPUT_WIDTH", "3000", "OUTPUT_WIDTH", 0),
        ("OUTPUT_WIDTH", "-1", "OUTPUT_WIDTH", 0),
        ("BITHUMAN_LOG_LEVEL", "trace", "log_level", None),
        ("BITHUMAN_VERBOSE", "very", "verbose", False),
    ],
)
@pytest.mark.parametrize("where", ["environment", "file"])
def test_what_makes_no_sense_is_left_out_with_one_sentence(
    said: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, name: str, value: str, field: str, default: object,
    where: str,
) -> None:  # fmt: skip
    if where == "file":
        Path(".env").write_text(f"{name}={value}\n")
    else:
        monkeypatch.setenv(name, value)
    assert getattr(Settings(), field) == default
    assert len(said.messages) == 1
    assert value in said.messages[0] and "is ignored" in said.messages[0]


@pytest.mark.parametrize(
    ("name", "value", "field", "meant"),
    [
        ("FPS", "25", "FPS", 25),
        ("OUTPUT_WIDTH", "", "OUTPUT_WIDTH", 0),
        ("BITHUMAN_VERBOSE", "2", "verbose", True),
        ("BITHUMAN_VERBOSE", "0", "verbose", False),
        ("BITHUMAN_VERBOSE", "true", "verbose", True),
        ("BITHUMAN_LOG_LEVEL", "debug", "log_level", "DEBUG"),
    ],
)
def test_what_makes_sense_is_taken_without_a_word(
    said: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, name: str, value: str, field: str, meant: object
) -> None:
    monkeypatch.setenv(name, value)
    assert getattr(Settings(), field) == meant
    assert said.messages == []


def test_a_file_of_settings_in_latin_1_is_read(said: pytest.LogCaptureFixture) -> None:
    Path(".env").write_bytes("GREETING=Grüße\nBITHUMAN_CONSENT=Jürgen\n".encode("latin-1"))
    assert Settings().consent == "Jürgen"
    assert said.messages == []


def test_names_of_other_programs_are_not_read(said: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MODEL_PATH", "MODEL_ROOT", "VERBOSE", "LOG_LEVEL", "API_URL", "API_SECRET", "CONSENT", "FACE_MODEL"):
        monkeypatch.setenv(name, "theirs")
    read = Settings()
    assert (read.model_path, read.model_root, read.log_level, read.api_url, read.api_secret) == (None,) * 5
    assert (read.consent, read.face_model, read.verbose) == (None, None, False)


def test_a_command_goes_on_and_says_it_once(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"OWNER=J\xfcrgen\nBITHUMAN_LOG_LEVEL=trace\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "FPS": "30", "OUTPUT_WIDTH": "auto", "BITHUMAN_VERBOSE": "2"}
    command = [sys.executable, "-m", "bithuman_core", "list"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100)
    assert (done.returncode, "Mara" in done.stdout) == (0, True)
    assert sorted(line.partition("=")[0] for line in done.stderr.splitlines()) == ["BITHUMAN_LOG_LEVEL", "FPS", "OUTPUT_WIDTH"]


@pytest.mark.parametrize("named", ["mara", "mara.imx", Path("mara")])
def test_a_shipped_avatar_is_found_by_its_name(named: str | Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_avatar(named) == models_dir() / "mara.imx"
    Path(named).write_bytes(b"mine")
    assert find_avatar(named) == Path(named), "a file of one's own goes first"


def test_what_is_not_there_keeps_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert [str(find_avatar(name)) for name in ("nobody", "folder/mara")] == ["nobody", "folder/mara"]


def test_the_default_avatar_may_be_named_and_begin_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    for value, path in (("theo", models_dir() / "theo.imx"), ("~/me.imx", Path("/home/somebody/me.imx"))):
        monkeypatch.setenv("BITHUMAN_MODEL_PATH", value)
        settings.cache_clear()
        assert default_avatar() == path
    monkeypatch.delenv("BITHUMAN_MODEL_PATH")
    settings.cache_clear()

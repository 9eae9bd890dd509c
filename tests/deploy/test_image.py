"""The Dockerfile: linted, of extras and files that there are, and with a health check at the port that is served."""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bithuman_core.cli.serve import serve
from tests.deploy.conftest import ROOT

WRITTEN = (ROOT / "Dockerfile").read_text()
PYPROJECT = (ROOT / "pyproject.toml").read_text()
OPTIONAL = PYPROJECT.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
EXTRAS = set(re.findall(r"^([a-z0-9]+) = \[", OPTIONAL, re.MULTILINE))
STAGES = dict(re.findall(r"^FROM \S+ AS (\w+)\n(.*?)(?=^FROM |\Z)", WRITTEN, re.MULTILINE | re.DOTALL))


def test_hadolint_finds_nothing() -> None:
    program = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if program is None:
        pytest.skip("NO HADOLINT: the Dockerfile is not linted.")
    done = subprocess.run([program, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_stage_has_what_it_names() -> None:
    assert list(STAGES) == ["package", "service", "cluster", "page"], "the last one is what docker build makes"
    later = set() if "cluster" in EXTRAS else {"cluster"}
    for said in re.findall(r"^ARG EXTRAS=(\S+)$", WRITTEN, re.MULTILINE):
        assert set(said.split(",")) <= EXTRAS | later
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for copied in re.findall(r"^COPY (.+) \S+$", WRITTEN, re.MULTILINE):
        for name in copied.split():
            assert (ROOT / name).exists() and Path(name).parts[0] in sent


def test_nobody_is_root_at_the_end() -> None:
    for name, stage in STAGES.items():
        users = re.findall(r"^USER (.+)$", stage, re.MULTILINE)
        assert users[-1:] == ["1000"] or (name == "page" and not users)


def test_the_service_is_asked_where_it_listens() -> None:
    port = inspect.signature(serve).parameters["port"].default
    stage = STAGES["service"]
    assert f"EXPOSE {port}\n" in stage and f"http://127.0.0.1:{port}/ready" in stage

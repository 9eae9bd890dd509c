"""Every shell block of the service's documents is run, or says why it is not; then its commands have the options it names."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any, cast

import pytest
import typer

from bithuman_core.cli import app
from tests.deploy.blocks import ELSEWHERE, Block, blocks
from tests.deploy.conftest import ROOT

DOCUMENTS = [ROOT / "docs" / name for name in ("service.md", "deploying.md")]
RUN = {"service.md": {"run", "walk"}, "deploying.md": {"run"}}  # by tests/service/test_docs.py, and test_started.py
ALL = [(document.name, block) for document in DOCUMENTS for block in blocks(document)]
PROGRAMS = ("pip ", "docker ", "kubectl ", "bithuman-core ", "curl ", "git ")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_block_is_run_or_says_why_not(document: Path) -> None:
    found = blocks(document)
    assert len(found) > 8
    for block in found:
        if block.said not in RUN[document.name]:
            assert block.said.startswith(ELSEWHERE) and len(block.said.split()) > 3, block
    unmarked = [line for line in document.read_text("utf-8").split("```")[1::2] if line.startswith("\n")]
    for text in unmarked:  # what is no language is no command either
        assert not any(line.startswith(PROGRAMS) for line in text.splitlines()), text


def commands(block: Block) -> list[list[str]]:
    """Those of our own command line."""
    lines = block.commands.replace("\\\n", " ").splitlines()
    words = [shlex.split(line, comments=True) for line in lines if "bithuman-core " in line and "$(" not in line]
    return [line[line.index("bithuman-core") + 1 :] for line in words if "bithuman-core" in line]


@pytest.mark.parametrize(("document", "block"), [one for one in ALL if one[1].said.startswith(ELSEWHERE)])
def test_what_is_not_run_has_options_that_there_are(document: str, block: Block) -> None:
    for words in commands(block):
        named: Any = typer.main.get_command(app)
        while hasattr(named, "commands"):
            first, *words = words
            named = cast(Any, named.commands[first])
        named.make_context(document, words)


def test_files_that_are_named_are_there() -> None:
    text = DOCUMENTS[1].read_text("utf-8")
    for name in ("deploy/compose.yaml", "deploy/Caddyfile", "deploy/prometheus/alerts.yml", "deploy/prometheus/prometheus.yml",
                 "deploy/grafana/dashboards/bithuman.json", "deploy/.env.example"):  # fmt: skip
        assert name.rpartition("/")[2] in text and (ROOT / name).exists()
    for block in blocks(DOCUMENTS[1]):
        for word in block.commands.split():
            if word.startswith("ray/"):
                assert (ROOT / "deploy" / word).exists()

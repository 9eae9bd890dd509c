"""A small Go program that reads compose files and Kubernetes manifests with Docker's, Kubernetes's and KubeRay's own types:
``python -m tests.deploy.checker`` builds it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.go_program import GoProgram

FOLDER = Path(__file__).parent
TAKEN = ("PATH", "HOME")  # of the environment: what is in it must not decide


@dataclass(frozen=True)
class GoModule(GoProgram):
    """One whose source lies in a folder here."""

    def _command(self, folder: str) -> list[str]:
        return ["go", "build", "-C", str(FOLDER), "-o", f"{folder}/{self.package}", "."]


def _sources() -> str:
    files = sorted([*FOLDER.glob("*.go"), *FOLDER.glob("go.*")])
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:12]


CHECKER = GoModule(
    "deploy-checker", "checker", _sources(),
    "NO GO: compose.yaml and the Kubernetes manifests are not read by their own types. Install Go 1.24 or later.",
)  # fmt: skip


def check(*arguments: str | Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it in a folder, with these variables alone."""
    program = CHECKER.find()
    assert program is not None
    words = [str(program), *map(str, arguments)]
    given = {name: os.environ[name] for name in TAKEN} | environment
    return subprocess.run(words, cwd=folder, env=given, capture_output=True, text=True, check=False, timeout=60)


def project(folder: Path, **environment: str) -> Mapping[str, Any]:
    """``compose.yaml`` of a folder with its ``.env``, as docker compose reads it: ``services`` and so on, by name."""
    done = check("compose", "compose.yaml", folder=folder, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)

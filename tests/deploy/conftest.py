"""A copy of deploy/ in a network of its own, where its commands are run without Docker."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.browser.namespaces import Namespace, NotAllowed, lonely_network, require_programs
from tests.deploy.checker import CHECKER
from tests.deploy.debian import PROMETHEUS, PROMTOOL
from tests.livekit.server import SERVER
from tests.plugins import need
from tests.service.postgres import MISSING, find_postgres

need("sqlalchemy", "psycopg", "livekit.api", "fastrtc", "yaml")

ROOT = Path(__file__).parents[2]
NO_NETWORK = "NO NETWORK OF ITS OWN: what deploy/ starts is not started."


@dataclass(frozen=True)
class Machine:
    """One that has nothing but the copy."""

    network: Namespace
    folder: Path
    environment: Mapping[str, str]

    @property
    def deploy(self) -> Path:
        """The copy."""
        return self.folder / "deploy"

    def shell(self, script: str, seconds: float = 300) -> subprocess.CompletedProcess[str]:
        """Run it in ``deploy/``; its first fault ends it."""
        command = [*self.network.run, "bash", "-eu", "-o", "pipefail"]
        more = {"capture_output": True, "text": True, "timeout": seconds, "check": False}
        return subprocess.run(command, input=script, cwd=self.deploy, env=dict(self.environment), **more)


@pytest.fixture(scope="session")
def checker() -> None:
    """Compose files and manifests can be read."""
    if CHECKER.find() is None:
        pytest.skip(CHECKER.missing)


@pytest.fixture(scope="session")
def promtool() -> Path:
    """Prometheus's own judge of its files."""
    found = PROMTOOL.find()
    if found is None:
        pytest.skip(PROMTOOL.missing)
    return found


@pytest.fixture(scope="session")
def machine(checker: None) -> Iterator[Machine]:
    """Empty at first; what is started in it ends with it."""
    if os.geteuid() != 0:
        pytest.skip(f"{NO_NETWORK} Only root makes one.")
    try:
        require_programs()
    except NotAllowed as error:
        pytest.skip(f"{NO_NETWORK} {error}")
    for found, missing in (
        (find_postgres(), MISSING), (PROMETHEUS.find(), PROMETHEUS.missing), (SERVER.find(), SERVER.missing)
    ):  # fmt: skip
        if found is None:
            pytest.skip(missing)
    with tempfile.TemporaryDirectory(prefix="deploy-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL is a user without rights
        left_out = shutil.ignore_patterns(".env", "secrets")
        shutil.copytree(ROOT / "deploy", folder / "deploy", ignore=left_out)
        (folder / "docs").mkdir()
        shutil.copy(ROOT / "docs" / "turnserver.conf", folder / "docs")
        programs, kept = folder / "bin", folder / "here"
        programs.mkdir()
        kept.mkdir(mode=0o755)
        docker = programs / "docker"
        docker.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m tests.deploy.here "$@"\n')
        docker.chmod(0o755)
        environment = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": os.environ["HOME"], "HERE": str(kept)}
        try:
            with lonely_network() as network:
                yield Machine(network, folder, environment)
        except NotAllowed as error:
            pytest.skip(f"{NO_NETWORK} {error}")

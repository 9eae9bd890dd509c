"""Servers that the tests need and Go builds: found on PATH, else built once into the user's cache."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bithuman_core.files import replacing

BUILD_SECONDS, START_SECONDS = 1500, 60


@dataclass(frozen=True)
class GoProgram:
    """``package``: what Go installs at ``version``; missing: what is said where the program cannot be had."""

    name: str
    package: str
    version: str
    missing: str

    @property
    def _cached(self) -> Path:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return cache / "bithuman_core" / f"{self.name}-{self.version}" / self.name

    def find(self) -> Path | None:
        """Its path, or None."""
        candidates = [shutil.which(self.name), self._cached]
        return next((Path(path) for path in candidates if path and os.access(path, os.X_OK)), None)

    def main(self) -> int:
        """Build it where it is missing, and print its path. Exit code 1 only where a CI run has Go and could not build it."""
        could = self.find() is None and self._build()
        found = self.find()
        print(found or f"\n{'!' * 100}\n{self.missing}\n{'!' * 100}\n", flush=True)
        return int(could and found is None and os.environ.get("CI") == "true")

    def _build(self) -> bool:
        """Try to. Returns whether there is a Go."""
        if shutil.which("go") is None:
            return False
        print(f"building {self.name} for the tests (minutes, once)", flush=True)
        with TemporaryDirectory() as folder:
            environment = {**os.environ, "GOBIN": folder, "GOFLAGS": "-trimpath -ldflags=-s"}
            done = subprocess.run(self._command(folder), env=environment, check=False, timeout=BUILD_SECONDS)
            if done.returncode == 0:
                self._cached.parent.mkdir(parents=True, exist_ok=True)
                with replacing(self._cached) as temporary:
                    shutil.copy(Path(folder) / self.package.rpartition("/")[2], temporary)
        return True

    def _command(self, folder: str) -> list[str]:
        """Builds it into a folder, which is GOBIN as well."""
        return ["go", "install", f"{self.package}@{self.version}"]


def free_ports(count: int) -> list[int]:
    """TCP ports of this machine that nobody listens on."""
    free = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in free]
    for each in free:
        each.close()
    return ports


def wait_until_it_answers(process: subprocess.Popen[bytes], port: int, said: Callable[[], str] = str) -> None:
    """Until somebody listens on a port. said(): what the process told, for whoever reads why it does not."""
    end = time.monotonic() + START_SECONDS
    while not _answers(port):
        assert time.monotonic() < end and process.poll() is None, said()
        time.sleep(0.05)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True

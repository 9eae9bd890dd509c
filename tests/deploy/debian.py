"""Prometheus and Caddy for the tests: on PATH, else unpacked from Debian's packages into the user's cache.

``python -m tests.deploy.debian`` gets them. Where they cannot be had, their tests are skipped; a CI run (CI=true) fails where apt
knows the package.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bithuman_core.files import replacing


@dataclass(frozen=True)
class DebianProgram:
    """A program of a package. missing: what is said where it cannot be had."""

    name: str
    package: str
    missing: str

    @property
    def _cached(self) -> Path:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return cache / "bithuman_core" / f"{self.package}-of-debian" / self.name

    def find(self) -> Path | None:
        """Its path, or None."""
        candidates = [shutil.which(self.name), self._cached]
        return next((Path(path) for path in candidates if path and os.access(path, os.X_OK)), None)

    def main(self) -> int:
        """Unpack it where it is missing, and print its path. Exit code 1 only where a CI run could have had it."""
        known = self.find() is None and self._unpack()
        found = self.find()
        print(found or f"\n{'!' * 100}\n{self.missing}\n{'!' * 100}\n", flush=True)
        return int(known and found is None and os.environ.get("CI") == "true")

    def _unpack(self) -> bool:
        """Try to. Returns whether there was a package."""
        if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
            return False
        if not self._known() and os.geteuid() == 0:
            subprocess.run(["apt-get", "-qq", "update"], check=False)
        if not self._known():
            return False
        print(f"getting {self.name} for the tests", flush=True)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            subprocess.run(["apt-get", "-qq", "download", self.package], cwd=folder, check=False)
            for archive in folder.glob("*.deb"):
                subprocess.run(["dpkg", "--extract", str(archive), str(folder)], check=False)
            unpacked = folder / "usr" / "bin" / self.name
            if unpacked.exists():
                self._cached.parent.mkdir(parents=True, exist_ok=True)
                with replacing(self._cached) as temporary:
                    shutil.copy(unpacked, temporary)
        return True

    def _known(self) -> bool:
        return subprocess.run(["apt-cache", "show", self.package], capture_output=True, check=False).returncode == 0


MISSING = "NO PROMETHEUS: the dashboard and the alerts are tried on none. Put prometheus and promtool on PATH."
PROMETHEUS = DebianProgram("prometheus", "prometheus", MISSING)
PROMTOOL = DebianProgram("promtool", "prometheus", MISSING)
CADDY = DebianProgram("caddy", "caddy", "NO CADDY: deploy/Caddyfile is read by none. Put caddy on PATH.")

if __name__ == "__main__":
    sys.exit(max(program.main() for program in (PROMETHEUS, PROMTOOL, CADDY)))

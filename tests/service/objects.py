"""Finds Versity's S3 gateway for the tests, or builds it: ``python -m tests.service.objects`` prints its path.

A real server of object storage (Apache-2.0), above a folder. On PATH, else built once by Go into the user's cache. Without Go its
tests are skipped; a CI run (CI=true) fails where Go is there and cannot build it.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MODULE, VERSION = "github.com/versity/versitygw/cmd/versitygw", "v1.8.0"
NAME = "versitygw"
MISSING = "NO OBJECT STORAGE: the service's tests on S3 are skipped. Put versitygw on PATH, or Go, which builds it."
BUILD_SECONDS, START_SECONDS = 900, 30
ACCESS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "only-for-tests", "AWS_DEFAULT_REGION": "us-east-1"}
BUCKET = "avatars"


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bithuman_core" / f"{NAME}-{VERSION}"


def find_gateway() -> Path | None:
    """The program, or None."""
    candidates = [shutil.which(NAME), _cache() / NAME]
    return next((Path(path) for path in candidates if path and os.access(path, os.X_OK)), None)


def build_gateway() -> bool:
    """Try to, with Go. Returns whether there is one."""
    if shutil.which("go") is None:
        return False
    print("building versitygw for the service's tests", flush=True)
    coming = _cache().with_name(f"coming-{os.getpid()}")
    environment = {**os.environ, "GOBIN": str(coming), "GOFLAGS": "-trimpath -ldflags=-s"}
    done = subprocess.run(["go", "install", f"{MODULE}@{VERSION}"], env=environment, check=False, timeout=BUILD_SECONDS)
    if done.returncode == 0:
        shutil.rmtree(_cache(), ignore_errors=True)
        coming.rename(_cache())
    shutil.rmtree(coming, ignore_errors=True)
    return True


class Gateway:
    """A server that can be stopped and started again. In its environment s3fs finds it."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program, self._folder = program, folder
        (folder / BUCKET).mkdir(parents=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.environment = {**ACCESS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._port}"}
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Take connections."""
        command = [str(self._program), "--port", f"127.0.0.1:{self._port}", "--quiet", "posix", "--nometa", str(self._folder)]
        keys = {"ROOT_ACCESS_KEY": ACCESS["AWS_ACCESS_KEY_ID"], "ROOT_SECRET_KEY": ACCESS["AWS_SECRET_ACCESS_KEY"]}
        environment = {**os.environ, **keys}
        self._running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < end and self._running.poll() is None, "versitygw does not start"
            time.sleep(0.05)

    def stop(self) -> None:
        """End all connections."""
        if self._running is not None:
            self._running.kill()
            self._running.wait()

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
        except OSError:
            return False
        return True


@contextmanager
def running(program: Path, folder: Path) -> Iterator[Gateway]:
    """A server of one's own."""
    gateway = Gateway(program, folder)
    gateway.start()
    try:
        yield gateway
    finally:
        gateway.stop()


def main() -> int:
    """Exit code 1 only where a CI run could have had it."""
    could = find_gateway() is None and build_gateway()
    found = find_gateway()
    print(found or f"\n{'!' * 100}\n{MISSING}\n{'!' * 100}\n", flush=True)
    return int(could and found is None and os.environ.get("CI") == "true")


if __name__ == "__main__":
    sys.exit(main())

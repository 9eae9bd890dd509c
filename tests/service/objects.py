"""Versity's S3 gateway, a real server of object storage (Apache-2.0) on a folder: ``python -m tests.service.objects`` gets it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.go_program import GoProgram, free_ports, wait_until_it_answers

GATEWAY = GoProgram(
    "versitygw", "github.com/versity/versitygw/cmd/versitygw", "v1.8.0",
    "NO OBJECT STORAGE: the service's tests on S3 are skipped. Put versitygw on PATH, or Go, which builds it.",
)  # fmt: skip
ACCESS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "only-for-tests", "AWS_DEFAULT_REGION": "us-east-1"}
BUCKET = "avatars"


class Gateway:
    """A server that can be stopped and started again. In its environment s3fs finds it."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program, self._folder = program, folder
        (folder / BUCKET).mkdir(parents=True)
        (self._port,) = free_ports(1)
        self.environment = {**ACCESS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._port}"}
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Take connections."""
        command = [str(self._program), "--port", f"127.0.0.1:{self._port}", "--quiet", "posix", "--nometa", str(self._folder)]
        keys = {"ROOT_ACCESS_KEY": ACCESS["AWS_ACCESS_KEY_ID"], "ROOT_SECRET_KEY": ACCESS["AWS_SECRET_ACCESS_KEY"]}
        environment = {**os.environ, **keys}
        self._running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until_it_answers(self._running, self._port)

    def stop(self) -> None:
        """End all connections."""
        if self._running is not None:
            self._running.kill()
            self._running.wait()


@contextmanager
def running(program: Path, folder: Path) -> Iterator[Gateway]:
    """A server of one's own."""
    gateway = Gateway(program, folder)
    gateway.start()
    try:
        yield gateway
    finally:
        gateway.stop()


if __name__ == "__main__":
    sys.exit(GATEWAY.main())

"""The page in a process of its own, for tests of what the machine does to it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Server:
    """The page in a process of its own."""

    def __init__(self, folder: Path, prepare: Callable[[], None] | None = None) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = port = probe.getsockname()[1]
        self.url, self.folder, self.log = f"http://127.0.0.1:{port}", folder / "tmp", folder / "log.txt"
        self.folder.mkdir()
        command = [sys.executable, "app.py", "--no-open-browser", "--port", str(port)]
        environment = {**os.environ, "TMPDIR": str(self.folder), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        with self.log.open("w") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, preexec_fn=prepare)

    @classmethod
    @contextmanager
    def started(cls, folder: Path, prepare: Callable[[], None] | None = None) -> Iterator[Server]:
        """A server that has just become ready; ``prepare`` is called in its process before it starts."""
        server = cls(folder, prepare)
        try:
            while not server.ready():
                time.sleep(0.1)
            yield server
        finally:
            server.kill()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ready(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        return "Ready" in self.log.read_text()

    def end(self) -> float:
        """SIGTERM; how long it took to go, s. Everything else that is promised of the end is checked."""
        begin = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(60)
        took = time.monotonic() - begin
        said = self.log.read_text()
        assert code == 0 and "Traceback" not in said and "Error" not in said, f"exit code {code}\n{said}"
        assert list(self.folder.iterdir()) == []
        return took

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

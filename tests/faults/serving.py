"""Page and worker in a process of their own, for tests of what the machine does to them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ("app.py", "--no-open-browser")
WORKER = ("-m", "bithuman_core", "worker")
IN_TIME = 8.0  # s: Docker kills what is still there after 10


class Server:
    """The page, or the worker, in a process of its own."""

    def __init__(self, folder: Path, prepare: Callable[[], None] | None = None, command: Sequence[str] = PAGE) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = port = probe.getsockname()[1]
        self.url, self.folder, self.log = f"http://127.0.0.1:{port}", folder / "tmp", folder / "log.txt"
        self.folder.mkdir()
        line = [sys.executable, "-X", "faulthandler", *command, "--port", str(port)]
        environment = {**os.environ, "TMPDIR": str(self.folder), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        with self.log.open("w") as log:
            self._process = subprocess.Popen(line, cwd=ROOT, env=environment, stdout=log, stderr=log, preexec_fn=prepare)

    @classmethod
    @contextmanager
    def started(
        cls, folder: Path, prepare: Callable[[], None] | None = None, command: Sequence[str] = PAGE
    ) -> Iterator[Server]:
        """A server that has just become ready; ``prepare`` is called in its process before it starts."""
        server = cls(folder, prepare, command)
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
        """SIGTERM; how long it took to go, s. That it is in time, and all else that is promised of the end, is checked."""
        begin = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(IN_TIME)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGABRT)  # what every thread is doing goes into the log
            self._process.wait(60)
            raise AssertionError(f"still there after {IN_TIME} s\n{self.log.read_text()}") from None
        took = time.monotonic() - begin
        said = self.log.read_text()
        assert code == 0 and "Traceback" not in said and "Error" not in said, f"exit code {code}\n{said}"
        assert list(self.folder.iterdir()) == []
        return took

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

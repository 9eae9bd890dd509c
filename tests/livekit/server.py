"""Finds livekit-server for the tests, or builds it: ``python -m tests.livekit.server`` prints its path.

On PATH, else built once by Go into the user's cache: the newest version of which every module can be had and checked, and none is
replaced. Without Go its tests are skipped; a CI run (CI=true) fails where Go cannot build it.
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
from tempfile import TemporaryDirectory

from livekit import api

from bithuman_core.files import replacing

MODULE, VERSION = "github.com/livekit/livekit-server/cmd/server", "v1.9.12"
NAME = "livekit-server"
MISSING = "NO LIVEKIT-SERVER: the tests in its rooms are skipped. Put livekit-server on PATH, or Go, which builds it."
BUILD_SECONDS, START_SECONDS = 1500, 60
KEY, SECRET = "tests", "only-for-the-tests-of-this-machine"


def _cached() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "bithuman_core" / f"{NAME}-{VERSION}" / NAME


def find_server() -> Path | None:
    """The program, or None."""
    candidates = [shutil.which(NAME), _cached()]
    return next((Path(path) for path in candidates if path and os.access(path, os.X_OK)), None)


def build_server() -> bool:
    """Try to, with Go. Returns whether there is one."""
    if shutil.which("go") is None:
        return False
    print("building livekit-server for the tests (some minutes, once)", flush=True)
    target = _cached()
    with TemporaryDirectory() as coming:
        environment = {**os.environ, "GOBIN": coming, "GOFLAGS": "-trimpath -ldflags=-s"}
        done = subprocess.run(["go", "install", f"{MODULE}@{VERSION}"], env=environment, check=False, timeout=BUILD_SECONDS)
        if done.returncode == 0:
            target.parent.mkdir(parents=True, exist_ok=True)
            with replacing(target) as temporary:
                shutil.copy(Path(coming) / "server", temporary)
    return True


class LiveKit:
    """A server of this machine."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program, self._folder = program, folder
        self._port, self._tcp = _free_ports(2)
        self.url = f"ws://127.0.0.1:{self._port}"
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Take connections."""
        config = (
            f"port: {self._port}\nbind_addresses: ['127.0.0.1']\nkeys: {{{KEY}: {SECRET}}}\nlogging: {{level: error}}\n"
            f"rtc: {{tcp_port: {self._tcp}, udp_port: {self._tcp}, use_external_ip: false, enable_loopback_candidate: true}}\n"
            "room: {empty_timeout: 5, departure_timeout: 5}\n"
        )
        with (self._folder / "log").open("ab") as log:
            command = [str(self._program), "--config-body", config, "--node-ip", "127.0.0.1"]
            self._running = subprocess.Popen(command, stdout=log, stderr=log)
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < end and self._running.poll() is None, (self._folder / "log").read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        """End it, as a power cut does."""
        if self._running is not None:
            self._running.kill()
            self._running.wait()

    def token(self, identity: str, room: str, *, agent: bool = False) -> str:
        """For a participant of a room."""
        token = api.AccessToken(KEY, SECRET).with_identity(identity)
        if agent:
            token = token.with_kind("agent")
        return token.with_grants(api.VideoGrants(room_join=True, room=room, agent=agent)).to_jwt()

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
        except OSError:
            return False
        return True


def _free_ports(count: int) -> list[int]:
    free = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in free]
    for each in free:
        each.close()
    return ports


@contextmanager
def serving(program: Path, folder: Path) -> Iterator[LiveKit]:
    """A server of one's own."""
    server = LiveKit(program, folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def main() -> int:
    """Exit code 1 only where a CI run could have had it."""
    could = find_server() is None and build_server()
    found = find_server()
    print(found or f"\n{'!' * 100}\n{MISSING}\n{'!' * 100}\n", flush=True)
    return int(could and found is None and os.environ.get("CI") == "true")


if __name__ == "__main__":
    sys.exit(main())

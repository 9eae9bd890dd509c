"""A real livekit-server: ``python -m tests.livekit.server`` gets it.

Its version is the newest of which every module can be had and checked, and none is replaced.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from livekit import api

from tests.go_program import GoProgram, free_ports, wait_until_it_answers

SERVER = GoProgram(
    "livekit-server", "github.com/livekit/livekit-server/cmd/server", "v1.9.12",
    "NO LIVEKIT-SERVER: the tests in its rooms are skipped. Put livekit-server on PATH, or Go, which builds it.",
)  # fmt: skip
KEY, SECRET = "tests", "only-for-the-tests-of-this-machine"


class LiveKit:
    """A server of this machine."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program, self._log = program, folder / "log"
        self._port, self._tcp = free_ports(2)
        self.url = f"ws://127.0.0.1:{self._port}"
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Take connections."""
        config = (
            f"port: {self._port}\nbind_addresses: ['127.0.0.1']\nkeys: {{{KEY}: {SECRET}}}\nlogging: {{level: error}}\n"
            f"rtc: {{tcp_port: {self._tcp}, udp_port: {self._tcp}, use_external_ip: false, enable_loopback_candidate: true}}\n"
            "room: {empty_timeout: 5, departure_timeout: 5}\n"
        )
        with self._log.open("ab") as log:
            command = [str(self._program), "--config-body", config, "--node-ip", "127.0.0.1"]
            self._running = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until_it_answers(self._running, self._port, self._log.read_text)

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


@contextmanager
def serving(program: Path, folder: Path) -> Iterator[LiveKit]:
    """A server of one's own."""
    server = LiveKit(program, folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()


if __name__ == "__main__":
    sys.exit(SERVER.main())

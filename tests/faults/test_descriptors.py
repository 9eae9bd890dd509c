"""A server that may open 64 files, and more connections than that: it waits quietly, and serves again once they are closed."""

from __future__ import annotations

import resource
import socket
import time
from pathlib import Path

import httpx
import psutil

from tests.faults.serving import Server

FILES = 64
QUIET_SECONDS = 2.0


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))


def test_it_serves_again_once_descriptors_are_free(tmp_path: Path) -> None:
    with Server.started(tmp_path, prepare=limited) as server:
        address = ("127.0.0.1", server.port)
        silent = [socket.create_connection(address, timeout=5) for _ in range(2 * FILES)]
        process = psutil.Process(server.pid)
        time.sleep(1)  # it takes what it can
        before = sum(process.cpu_times()[:2])
        time.sleep(QUIET_SECONDS)
        busy = (sum(process.cpu_times()[:2]) - before) / QUIET_SECONDS
        print(f"out of descriptors: {100 * busy:.0f} % of a core, {process.num_fds()} of {FILES} open")
        assert busy < 0.5, "it turns in a circle"
        for connection in silent:
            connection.close()
        end = time.monotonic() + 20
        while True:
            try:
                answer = httpx.get(f"{server.url}/health", timeout=5)
                break
            except httpx.TransportError:
                assert time.monotonic() < end
        assert answer.json()["status"] == "ok"
        assert httpx.get(f"{server.url}/avatars/mara/still.webp").status_code == 200
        assert server.alive

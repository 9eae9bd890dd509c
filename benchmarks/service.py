"""What calls of the service take: ``python -m benchmarks.service [--agents 10000] [--database postgresql://…]``.

``bithuman-core serve`` runs as a process of its own on an empty database with so many agents in it. Printed: ms by the clock over
HTTP, median and 95th percentile, of pages of 100 agents from the first to the last, of one agent, of validating a secret (the
first time, when its argon2 hash is made, and later), of a runtime token, and the resident memory of the process.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np
import psutil

from bithuman_core.service.data.database import Database
from bithuman_core.service.data.tables import Agent
from bithuman_core.service.secrets.store import Secrets

ROUNDS = 100
PAGE = 100  # agents
PROMPT = "You are kind. " * 40


def fill(database: Database, agents: int) -> str:
    """An empty installation with so many agents; a secret for it."""
    database.upgrade()
    with database.writing() as session:
        session.add_all(
            Agent(
                code=f"A{n:09d}", name=f"Agent {n}", prompt=PROMPT, status="ready", error=None, consent=None, notes=[],
                model=None, still=None, secret_id="0", created=float(n), updated=float(n),
            )
            for n in range(agents)
        )  # fmt: skip
    return Secrets(database).create("benchmark", ["read"], per_minute=10**6)[0]


def row(what: str, ask: Callable[[], Any], rounds: int = ROUNDS) -> None:
    """One line of the table."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        ask()
        times.append(1000 * (time.perf_counter() - begin))
    print(f"{what:44s}{np.median(times):8.1f}{np.percentile(times, 95):8.1f}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=10_000)
    parser.add_argument("--database", help="an empty one elsewhere (SQLite in a temporary folder)")
    arguments = parser.parse_args()
    with TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0)) as free:
        folder, port = Path(name), free.getsockname()[1]
        free.close()
        url = arguments.database or f"sqlite:///{folder / 'service.db'}"
        secret = fill(Database(url), arguments.agents)
        command = [sys.executable, "-m", "bithuman_core", "serve", "--port", str(port), "--rooms", "0", "--folder", name]
        serving = subprocess.Popen([*command, "--database", url], stderr=subprocess.PIPE, text=True)
        try:
            assert serving.stderr is not None and "Ready" in serving.stderr.readline()
            base = f"http://127.0.0.1:{port}"
            with httpx.Client(base_url=base, headers={"api-secret": secret}, trust_env=False, timeout=60) as api:
                measure(api, arguments.agents)
            print(f"resident memory of the process, MiB {psutil.Process(serving.pid).memory_info().rss / 2**20:16.0f}")
        finally:
            serving.terminate()
            serving.wait(30)


def measure(api: httpx.Client, agents: int) -> None:
    """All rows."""
    print(f"{'ms':44s}{'p50':>8s}{'p95':>8s}")
    row("a secret is validated, the first time", lambda: api.post("/v1/validate").raise_for_status(), 1)
    row("a secret is validated", lambda: api.post("/v1/validate").raise_for_status())
    row("a runtime token", lambda: api.post("/v1/runtime-tokens/request").raise_for_status())
    row("one agent", lambda: api.get("/v1/agent/A000000007").raise_for_status())
    cursor: dict[str, str] = {}

    def page() -> None:
        told = api.get("/v1/agents", params={"limit": PAGE, **cursor}).raise_for_status().json()
        cursor.clear()
        if told["next_cursor"]:
            cursor["cursor"] = told["next_cursor"]

    row(f"{PAGE} of {agents} agents", page, max(agents // PAGE, 1))


if __name__ == "__main__":
    main()

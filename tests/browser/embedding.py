"""A running service with an agent, and sites of other origins that show it."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from bithuman_core.service.data.database import Database
from bithuman_core.service.secrets.store import Secrets
from tests.browser.harness import ROOT, free_port
from tests.service.serving import ALL, MARA


@dataclass
class Service:
    """``url``: of the service; ``api`` asks it with a secret that may everything; ``agent``: the code of Mara."""

    url: str
    database: Database
    api: httpx.Client
    log: Path
    process: subprocess.Popen[str]
    agent: str = ""

    @property
    def threads(self) -> int:
        """How many its process has."""
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/task").iterdir())

    def publish(self, *origins: str) -> None:
        """Let pages of these sites show the agent."""
        self.api.put(f"/v1/agent/{self.agent}/embed", json={"origins": origins}).raise_for_status()

    def token(self, *origins: str, seconds: int = 600) -> str:
        """An embed token."""
        said = {"agent_code": self.agent, "origins": origins, "seconds": seconds}
        return self.api.post("/v1/embed-tokens", json=said).json()["data"]["token"]

    def figure(self, name: str) -> float:
        """One of /metrics."""
        lines = self.api.get("/metrics").text.splitlines()
        return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name + " "))


@contextmanager
def serving(folder: Path, script: str | None, *arguments: str) -> Iterator[Service]:
    """``bithuman-core serve`` in a process of its own, with a published agent. script: what its brain answers; None: no brain."""
    database = Database(f"sqlite:///{folder / 'service.db'}")
    database.upgrade()
    secret, _ = Secrets(database, time.time).create("tests", ALL, per_minute=10_000)
    port, log = free_port(), folder / "log.txt"
    variables = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    if script is not None:
        (folder / "script.yaml").write_text(script)
        variables["BITHUMAN_SCRIPT"] = str(folder / "script.yaml")
    command = [sys.executable, "-m", "bithuman_core", "serve", "--port", str(port), "--rooms", "0", "--folder", str(folder)]
    with log.open("w") as errors:
        process = subprocess.Popen([*command, *arguments], stderr=errors, text=True, cwd=ROOT, env={**os.environ, **variables})
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, headers={"api-secret": secret}, trust_env=False, timeout=60) as api:
        service = Service(url, database, api, log, process)
        try:
            wait_for(lambda: "Ready" in log.read_text() or process.poll() is not None)
            answer = api.post("/v1/agent/generate", data={"name": "Mara"}, files={"model": ("me.imx", MARA.read_bytes())})
            service.agent = answer.json()["agent_id"]
            wait_for(lambda: api.get(f"/v1/agent/{service.agent}").json()["data"]["status"] == "ready")
            yield service
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            finally:
                process.kill()
                database.close()


def wait_for(done: Any, seconds: float = 60.0) -> None:
    """Look again and again."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s")
        time.sleep(0.05)


class Site:
    """A site of an origin of its own: ``pages`` by their paths, each HTML and its Content-Security-Policy ("": none)."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, str]] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                html, policy = site.pages.get(self.path.partition("?")[0], ("", ""))
                self.send_response(200 if html else 404)
                self.send_header("Content-Type", "application/json" if html.startswith("{") else "text/html; charset=utf-8")
                if policy:
                    self.send_header("Content-Security-Policy", policy)
                self.end_headers()
                self.wfile.write(html.encode())

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.origin = f"http://localhost:{self._server.server_port}"

    def page(self, html: str, policy: str = "") -> str:
        """The URL of a new page."""
        path = f"/{secrets.token_hex(4)}"
        self.pages[path] = (html, policy)
        return self.origin + path

    def close(self) -> None:
        """No more."""
        self._server.shutdown()
        self._server.server_close()


def script_tag(service: Service, **data: str) -> str:
    """What a site writes. data: attributes, without data- and with _ for -."""
    said: Mapping[str, str] = {"agent": service.agent, **data}
    attributes = " ".join(f'data-{name.replace("_", "-")}="{value}"' for name, value in said.items())
    return f'<script src="{service.url}/embed.js" {attributes}></script>'

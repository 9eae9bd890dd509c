"""Stands in for ``docker`` where there is none: the services of compose.yaml as processes of this machine.

What a container would run is run: its command with its environment, its volumes in a folder. What only Docker does (images,
users, limits) is not tried, and Grafana is not to be had here. The ports are those of compose.yaml: run it in a network of its
own. The variable HERE names the folder where all of it is kept.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.deploy.checker import project
from tests.deploy.debian import PROMETHEUS
from tests.livekit.server import SERVER
from tests.service.postgres import USER, find_postgres

ROOT = Path(__file__).parents[2]
PORTS = {"postgres": 5432, "service": 8088, "livekit": 7880, "coturn": 3478, "prometheus": 9090}  # in the order of their start
NOT_HERE = ("grafana", "caddy")
PATIENCE = 120  # s


class Container:
    """A service of compose.yaml, whether it runs or not."""

    def __init__(self, name: str, written: Mapping[str, Any], secrets: Mapping[str, Any], folder: Path) -> None:
        self.name, self._written, self._folder = name, written, folder
        self._pid, self._log = folder / f"{name}.pid", folder / f"{name}.log"
        self._places = {place: folder / name / place.strip("/") for place in written.get("tmpfs", ())}
        for volume in written.get("volumes", ()):
            named = folder / "volumes" / str(volume["source"]).strip("/")
            self._places[volume["target"]] = named if volume["type"] == "volume" else folder / name / volume["target"].strip("/")
        for secret in written.get("secrets", ()):
            self._places[f"/run/secrets/{secret['source']}"] = Path(secrets[secret["source"]]["file"])

    def start(self) -> None:
        """Unless it runs; returns when it takes connections."""
        if self.running:
            return
        self._lay()
        if self.name == "postgres":
            self._make_database()
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                self._command, env=self.environment, cwd=self._folder, stdout=log, stderr=log, start_new_session=True,
                user=USER if self.name == "postgres" else None,
            )  # fmt: skip
        self._pid.write_text(str(process.pid))
        end = time.monotonic() + PATIENCE
        while not _answers(PORTS[self.name]):
            if process.poll() is not None or time.monotonic() > end:
                sys.exit(f"{self.name} does not start:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """As docker does: SIGTERM, and patience."""
        if self.running:
            os.kill(self._number, signal.SIGTERM)
            while self.running:
                time.sleep(0.05)

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        try:
            return "State:\tZ" not in Path(f"/proc/{self._number}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False

    @property
    def _number(self) -> int:
        return int(self._pid.read_text())

    def run(self, command: list[str]) -> int:
        """A command inside of it."""
        return subprocess.run([self._moved(word) for word in command], env=self.environment, check=False).returncode

    @cached_property
    def environment(self) -> dict[str, str]:
        """That of the image, and what compose.yaml adds."""
        path = [str(Path(sys.executable).parent), os.environ["PATH"]]
        if self.name == "postgres":
            path.insert(0, str(find_postgres()))
        given = {"PATH": os.pathsep.join(path), "HOME": os.environ["HOME"], "PYTHONPATH": str(ROOT)}
        if self.name == "service":
            stage = (ROOT / "Dockerfile").read_text().split(" AS service\n")[1].split("\nFROM ")[0]
            given |= dict(re.findall(r"^ENV (\w+)=(\S+)$", stage, re.MULTILINE))
        if self.name == "postgres":
            given["PGHOST"] = str(self._folder)
        given |= {name: value for name, value in self._written.get("environment", {}).items() if value is not None}
        return {name: self._moved(value) for name, value in given.items()}

    @property
    def _command(self) -> list[str]:
        said = [self._moved(word) for word in [*(self._written.get("entrypoint") or ()), *(self._written.get("command") or ())]]
        if self.name == "postgres":
            listening = ["-k", str(self._folder), "-c", "listen_addresses=127.0.0.1"]
            return ["postgres", "-D", str(self._data), *listening, "-c", "fsync=off"]
        programs = {"livekit": SERVER.find(), "prometheus": PROMETHEUS.find()}
        return [str(programs[self.name]), *said] if self.name in programs else said

    @property
    def _data(self) -> Path:
        return self._places["/var/lib/postgresql/data"]

    def _moved(self, text: str) -> str:
        """Paths of the container as those of this machine."""
        places = "|".join(map(re.escape, sorted(self._places, key=len, reverse=True)))
        return re.sub(rf"(?<![\w./-])({places})(?![\w.-])", lambda found: str(self._places[found[1]]), text) if places else text

    def _lay(self) -> None:
        """Make what it finds in its folders."""
        for volume in self._written.get("volumes", ()):
            source, place = Path(volume["source"]), self._places[volume["target"]]
            if volume["type"] == "volume":
                place.mkdir(parents=True, exist_ok=True)
                continue
            for file in [source] if source.is_file() else [file for file in source.rglob("*") if file.is_file()]:
                laid = place if source.is_file() else place / file.relative_to(source)
                laid.parent.mkdir(parents=True, exist_ok=True)
                laid.write_text(self._moved(file.read_text()))
        for place in self._written.get("tmpfs", ()):
            self._places[place].mkdir(parents=True, exist_ok=True)

    def _make_database(self) -> None:
        """What the image does at its first start."""
        if (self._data / "PG_VERSION").exists():
            return
        own = self.environment
        shutil.chown(self._data, USER)
        shutil.chown(self._folder, USER)
        with tempfile.NamedTemporaryFile("w", dir=self._folder) as password:
            password.write(own["POSTGRES_PASSWORD"])
            password.flush()
            shutil.chown(password.name, USER)
            how = ["--auth-host=scram-sha-256", "--auth-local=trust", "--no-sync", "--encoding=UTF8"]
            who = [f"--username={own['POSTGRES_USER']}", f"--pwfile={password.name}"]
            first = ["initdb", *how, *who, str(self._data)]
            subprocess.run(first, env=own, cwd=self._folder, user=USER, check=True, stdout=subprocess.DEVNULL)
        making = f"CREATE DATABASE {own['POSTGRES_DB']};\n".encode()
        alone = ["postgres", "--single", "-D", str(self._data), "postgres"]
        subprocess.run(alone, env=own, cwd=self._folder, user=USER, check=True, input=making, stdout=subprocess.DEVNULL)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def main(words: list[str]) -> int:
    """``docker compose ...``"""
    whole = argparse.ArgumentParser("docker")
    compose = whole.add_subparsers(required=True).add_parser("compose").add_subparsers(dest="action", required=True)
    up = compose.add_parser("up")
    up.add_argument("services", nargs="*")
    for flag in ("--detach", "--build", "--wait"):
        up.add_argument(flag, action="store_true")
    for name in ("start", "stop", "restart"):
        compose.add_parser(name).add_argument("services", nargs="+")
    for name in ("exec", "run"):
        inside = compose.add_parser(name)
        for flag in ("-T", *(("--rm", "--no-deps") if name == "run" else ())):
            inside.add_argument(flag, action="store_true", required=True)
        inside.add_argument("services", nargs=1)
        inside.add_argument("command", nargs=argparse.REMAINDER)
    said = whole.parse_args(words)
    whole_project = project(Path.cwd())
    folder = Path(os.environ["HERE"])
    known = {
        name: Container(name, written, whole_project["secrets"], folder) for name, written in whole_project["services"].items()
    }
    if wrong := [name for name in said.services if name not in known]:
        sys.exit(f"no such service: {wrong[0]}")
    if said.action in ("exec", "run"):
        container = known[said.services[0]]
        if said.action == "exec" and not container.running:
            sys.exit(f"{container.name} does not run")
        return container.run(said.command)
    named = said.services or [name for name, written in whole_project["services"].items() if not written.get("profiles")]
    if said.action == "up":
        named = {*named, *(other for name in named for other in whole_project["services"][name].get("depends_on", ()))}
    chosen = [known[name] for name in PORTS if name in named]
    for container in chosen:
        if said.action in ("stop", "restart"):
            container.stop()
        if said.action != "stop":
            container.start()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

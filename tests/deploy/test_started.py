"""The commands of docs/deploying.md, run as they stand; and what is there when they have been."""

from __future__ import annotations

import hashlib
import json
import re
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bithuman_core.fastrtc.own_turn import timed_access
from tests.browser.namespaces import SERVER
from tests.deploy.blocks import blocks
from tests.deploy.conftest import ROOT, Machine
from tests.deploy.test_figures import queries

DOCUMENT = ROOT / "docs" / "deploying.md"
TO_THE_WORLD = {("tcp", 3478), ("udp", 3478), ("tcp", 7881), ("udp", 7882)}  # the relay, and media of rooms
BACKUPS = ("pg_dump", "pg_restore")  # the blocks that a test of their own runs
ADDRESS = "http://127.0.0.1:8088"
CLIP = ROOT / "tests" / "data" / "1688-142285-0005.flac"
PATIENCE = 90  # s, for Prometheus to have asked twice


@pytest.fixture(scope="module")
def started(machine: Machine) -> Machine:
    """What the document says has been done, and the secret it made is in ``secrets/mine``."""
    keeping = '\necho "$BITHUMAN_API_SECRET" > secrets/mine\n'
    shown = [one.commands for one in blocks(DOCUMENT) if one.said == "run"]
    done = machine.shell("\n".join(text for text in shown if not any(word in text for word in BACKUPS)) + keeping)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert '"valid":true' in done.stdout and "bithuman_agents 0.0" in done.stdout
    return machine


def block(word: str) -> str:
    """The commands of the block with that word."""
    (found,) = [block.commands for block in blocks(DOCUMENT) if word in block.commands and block.said == "run"]
    return found


def asked(machine: Machine, path: str, *options: str) -> str:
    """What the service answers."""
    more = " ".join(options)
    done = machine.shell(f'curl -sS --fail "{ADDRESS}{path}" -H "api-secret: $(cat secrets/mine)" {more}')
    assert done.returncode == 0, done.stderr
    return done.stdout


def figure(machine: Machine, query: str) -> list[Any]:
    """What Prometheus answers."""
    done = machine.shell(f"curl -sS --fail -G http://127.0.0.1:9090/api/v1/query --data-urlencode 'query={query}'")
    assert done.returncode == 0, query + done.stderr
    return json.loads(done.stdout)["data"]["result"]


def test_every_secret_is_one_of_its_own_and_nobody_elses_to_read(started: Machine) -> None:
    file = started.deploy / ".env"
    made = re.findall(r"^\w+=(\w+)$", file.read_text(), re.MULTILINE)
    assert len(made) == len(set(made)) == 4 and all(len(secret) == 48 for secret in made)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    scrape = started.deploy / "secrets" / "scrape"
    assert stat.S_IMODE(scrape.parent.stat().st_mode) == 0o700, "Prometheus's user reads the file, and nobody else comes there"
    assert scrape.read_text().startswith("bhc_")


def test_only_relay_and_media_listen_to_the_world(started: Machine) -> None:
    told = started.shell("ss -Hltun").stdout.splitlines()
    listening = [(line.split()[0], *line.split()[4].rsplit(":", 1)) for line in told]
    assert len(listening) > 8
    open_ = {(kind, int(port)) for kind, address, port in listening if address not in ("127.0.0.1", "[::1]")}
    assert open_ == TO_THE_WORLD
    document = DOCUMENT.read_text("utf-8")
    assert all(str(port) in document for _, port in open_)


def test_every_panel_of_the_dashboard_shows_something(started: Machine) -> None:
    left = {query.replace("$instance", ".*").replace("$__rate_interval", "2m") for query in queries()}
    assert len(left) > 12
    end = time.monotonic() + PATIENCE
    while left and time.monotonic() < end:
        left = {query for query in left if not figure(started, query)}
        time.sleep(0.5)
    assert not left
    assert [float(one["value"][1]) for one in figure(started, "sum(up)")] == [1.0]
    assert figure(started, "ALERTS") == []


def test_a_backup_brings_everything_back(started: Machine) -> None:
    sent = json.loads(asked(started, "/v1/files/upload", f"-F file=@{CLIP}"))["data"]["file_url"].removeprefix(ADDRESS)
    assert started.shell(block("pg_dump")).returncode == 0
    asked(started, sent, "-X DELETE")
    files = Path(started.environment["HERE"]) / "volumes" / "files"
    assert not any(file.stat().st_size == CLIP.stat().st_size for file in files.rglob("*")), "it is gone"
    done = started.shell(block("pg_restore"))
    assert done.returncode == 0, done.stderr
    assert asked(started, sent, "| sha256sum").split()[0] == hashlib.sha256(CLIP.read_bytes()).hexdigest()


def test_the_relay_takes_the_services_secret_and_no_other(started: Machine) -> None:
    def ask(secret: str) -> subprocess.CompletedProcess[str]:
        username, password = timed_access(secret, int(time.time()) + 600)
        return started.shell(f"""{sys.executable} - <<'EOF'
import asyncio
from aioice import turn

async def ask():
    transport, _ = await turn.create_turn_endpoint(asyncio.DatagramProtocol, ({SERVER!r}, 3478), {username!r}, {password!r})
    print(transport.get_extra_info("sockname")[0])
    transport.close()

asyncio.run(ask())
EOF""")

    (secret,) = re.findall(r"^TURN_SECRET=(\w+)$", (started.deploy / ".env").read_text(), re.MULTILINE)
    done = ask(secret)
    assert done.stdout.strip() == SERVER, done.stderr
    done = ask("another")
    assert done.returncode == 1 and not done.stdout and "401" in done.stderr


def test_rooms_take_the_key_of_the_environment_file(started: Machine) -> None:
    def ask(secret: str) -> subprocess.CompletedProcess[str]:
        return started.shell(f"""{sys.executable} - <<'EOF'
import asyncio
from livekit import api

async def ask():
    async with api.LiveKitAPI("http://127.0.0.1:7880", "bithuman", {secret!r}) as livekit:
        print((await livekit.room.create_room(api.CreateRoomRequest(name="lobby"))).name)

asyncio.run(ask())
EOF""")

    (secret,) = re.findall(r"^LIVEKIT_SECRET=(\w+)$", (started.deploy / ".env").read_text(), re.MULTILINE)
    done = ask(secret)
    assert done.stdout.strip() == "lobby", done.stderr
    done = ask(secret[::-1])
    assert done.returncode == 1 and not done.stdout

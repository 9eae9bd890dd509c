"""A visitor who reaches the server only through a relay: coturn between two networks that have no way to each other."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, Playwright

from benchmarks.browser import LAMP, write_bursts
from bithuman_core.fastrtc.own_turn import PASSWORD, SECRET, URLS, USERNAME
from tests.browser.analysis import nearest, onsets
from tests.browser.chromium import find_chromium
from tests.browser.harness import ROOT, Recording, Server, chromium, open_page, record, start, status
from tests.browser.namespaces import RELAY, RELAY_TO_CLIENT, RELAY_TO_SERVER, SERVER, Namespace, NotAllowed, networks

pytestmark = pytest.mark.browser

CONFIGURATION = ROOT / "docs" / "turnserver.conf"
# coturn on two ports: with a secret, as the configuration recommends, and with one name and password for all
TIMED, FIXED = 3478, 3479
SHARED, NAME, RIGHT = "a shared secret", "avatar", "open-sesame"
WARM_UP_MS = 3000
SECONDS = 9
ATTEMPTS = 3  # a shared machine may be busy with something else, and the browser first moves sound and picture to each other
MAX_OFFSET = 0.04  # s
PATH = """async () => {
  const report = await window.probeCall.getStats();
  const transport = [...report.values()].find(({ type }) => type === "transport");
  const pair = report.get(transport.selectedCandidatePairId);
  return [report.get(pair.localCandidateId).candidateType, report.get(pair.localCandidateId).relayProtocol];
}"""


@dataclass(frozen=True)
class World:
    """The networks, with coturn between them and a way for the page's own TCP."""

    client: Namespace
    relay: Namespace
    server: Namespace
    folder: Path

    @contextmanager
    def coturn(self, port: int, *options: str) -> Iterator[None]:
        """A relay that both can ask. What it relays leaves it on the server's side, where the client has no way by itself."""
        command = [
            "turnserver",
            *options,
            f"--listening-port={port}",
            f"--listening-ip={RELAY}",
            f"--relay-ip={RELAY_TO_SERVER}",
            f"--userdb={self.folder / f'users{port}'}",
            f"--pidfile={self.folder / f'{port}.pid'}",
            "--log-file=stdout",
        ]
        with self.relay.program(self.folder / f"coturn{port}.txt", port, *command):
            yield

    @contextmanager
    def page(
        self, playwright: Playwright, microphone: Path, settings: dict[str, str], *command: str
    ) -> Iterator[tuple[Page, Path]]:
        """The page of a server with these settings, in a Chromium of the client's network; and the server's log.

        ``command``: the server's. The page stands on 127.0.0.1, which counts as secure.
        """
        log = self.folder / f"server-{time.monotonic_ns()}.txt"
        with ExitStack() as open_:
            server = open_.enter_context(FarServer(self.server, log, settings, *command))
            for number, (space, listen, target) in enumerate(
                ((self.relay, RELAY_TO_CLIENT, SERVER), (self.client, "127.0.0.1", RELAY_TO_CLIENT))
            ):
                hop = [sys.executable, "-m", "tests.browser.forward", f"{listen}:{server.port}", f"{target}:{server.port}"]
                open_.enter_context(space.program(self.folder / f"hop{number}.txt", server.port, *hop))
            browser = open_.enter_context(chromium(playwright, microphone))
            yield open_page(browser, server.url), log


class FarServer(Server):
    """The demo in a network of its own, with its own settings."""

    def __init__(self, space: Namespace, log: Path, settings: dict[str, str], *command: str) -> None:
        super().__init__(log, *command, "--max-visitors", "1", "--host", SERVER)
        self._command = [*space.run, "env", *(f"{name}={value}" for name, value in settings.items()), *self._command]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Skips, saying why, where networks cannot be made; on CI as root that is a failure."""
    folder = tmp_path_factory.mktemp("relay")
    with ExitStack() as made:
        try:
            world = World(*made.enter_context(networks()), folder)
        except NotAllowed as reason:
            if os.environ.get("CI") == "true" and os.geteuid() == 0:
                pytest.fail(str(reason))
            pytest.skip(f"NO RELAY IS TESTED: {reason}")
        made.enter_context(world.coturn(TIMED, "-c", str(CONFIGURATION), f"--static-auth-secret={SHARED}"))
        made.enter_context(world.coturn(FIXED, "-n", "--lt-cred-mech", f"--user={NAME}:{RIGHT}", "--realm=relay.example.org",
                                        "--no-cli", "--no-tls", "--no-dtls"))  # fmt: skip
        yield world


@pytest.fixture(autouse=True)
def far_chromium(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Playwright itself stays where it is, and talks to its browser through a pipe."""
    script = tmp_path / "chromium"
    script.write_text(f'#!/bin/sh\nexec {" ".join(world.client.run)} {find_chromium()} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("CHROME", str(script))


def turn(port: int, **access: str) -> dict[str, str]:
    """The settings of a server that uses the relay."""
    return {URLS: f"turn:{RELAY}:{port}", **access}


def offset(recording: Recording) -> float:
    """The picture after its sound (+) or before it (-), median in s."""
    flashes = onsets(recording.shown_at, recording.gray.mean(axis=(1, 2)), 128)
    tones = onsets(recording.voice_at, recording.voice, 0.05)
    return float(np.median(nearest(tones[1:-1], flashes)))


def complaints(log: Path) -> list[str]:
    """What the server's log says about the way to a visitor, and about errors."""
    words = ("candidate", "relay", "turn", "error", "traceback")
    return [line for line in log.read_text().splitlines() if any(word in line.lower() for word in words)]


def test_client_and_server_have_no_way_to_each_other(world: World) -> None:
    assert world.client.reaches(RELAY) and world.server.reaches(RELAY)
    assert not world.client.reaches(SERVER) and not world.client.reaches(RELAY_TO_SERVER)


def test_the_page_goes_live_through_the_relay_and_stays_in_sync(world: World, playwright: Playwright, tmp_path: Path) -> None:
    write_bursts(tmp_path / "bursts.wav")
    settings = turn(TIMED, **{SECRET: SHARED})
    with world.page(playwright, tmp_path / "bursts.wav", settings, "-m", "benchmarks.flash") as (page, log):
        start(page)
        assert page.evaluate(PATH) == ["relay", "udp"]
        page.wait_for_timeout(WARM_UP_MS)
        fps = late = np.inf
        for _ in range(ATTEMPTS):
            recording = record(page, SECONDS, LAMP)
            fps, late = recording.fps, offset(recording)
            print(f"{fps:.2f} new pictures a second, the picture comes {1000 * late:.0f} ms after its sound")
            if fps >= 24 and abs(late) <= MAX_OFFSET:
                break
        assert fps >= 24 and abs(late) <= MAX_OFFSET
    assert complaints(log) == []


def test_a_name_and_a_password_do_as_well(world: World, playwright: Playwright, speech_wav: Path) -> None:
    settings = turn(FIXED, **{USERNAME: NAME, PASSWORD: RIGHT})
    with world.page(playwright, speech_wav, settings, "app.py") as (page, log):
        start(page)
        assert page.evaluate(PATH) == ["relay", "udp"]
    assert complaints(log) == []


def test_wrong_credentials_are_explained_within_15_seconds(world: World, playwright: Playwright, speech_wav: Path) -> None:
    settings = turn(FIXED, **{USERNAME: NAME, PASSWORD: "wrong"})
    with world.page(playwright, speech_wav, settings, "app.py") as (page, log):
        pressed = time.monotonic()
        page.click("avatar-stage button.main")
        page.wait_for_selector("avatar-stage[data-state=failed]", timeout=30_000)
        took = time.monotonic() - pressed
        print(f"said after {took:.1f} s: {status(page)}")
        assert "refused this server's credentials" in status(page) and PASSWORD in status(page)
        assert took < 15
    (complaint,) = complaints(log)
    assert complaint.startswith("The relay (TURN) gave this server no address")

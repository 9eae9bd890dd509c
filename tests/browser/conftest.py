"""One playwright and one server for all tests of the page, and one Firefox."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.browser.bidi import Bidi
from tests.browser.chromium import MISSING as NO_CHROMIUM
from tests.browser.chromium import find_chromium
from tests.browser.firefox import MISSING as NO_FIREFOX
from tests.browser.firefox import find_firefox, firefox
from tests.browser.harness import ROOT, Server, chromium, open_page, write_speech
from tests.browser.tab import Tab

SHOTS = ROOT / "tests" / "browser" / "shots"


def need(browser: str | None, missing: str) -> None:
    """Skip loudly without a browser; on CI that is a failure."""
    if browser is None:
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    need(find_chromium(), NO_CHROMIUM)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def fox() -> Iterator[Bidi]:
    """A Firefox that gives the microphone unasked."""
    need(find_firefox(), NO_FIREFOX)
    with firefox() as session:
        yield session


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo for one visitor at a time."""
    with Server(tmp_path_factory.mktemp("server") / "log.txt", "app.py", "--max-visitors", "1", "--avatar", "mara") as server:
        yield server


@pytest.fixture(scope="package")
def speech_wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fake microphone into which somebody speaks, with pauses."""
    path = tmp_path_factory.mktemp("microphone") / "speech.wav"
    write_speech(path)
    return path


@pytest.fixture(scope="package")
def browser(playwright: Playwright, speech_wav: Path) -> Iterator[Browser]:
    """A Chromium that gives the microphone when asked."""
    with chromium(playwright, speech_wav) as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The page before Start. Closed afterwards, which frees the visitor's place."""
    page = open_page(browser, server.url)
    yield page
    page.close()


def screenshot(page: Page | Tab, name: str, folder: Path) -> None:
    """A picture of the page, in the test's own folder and in shots."""
    picture = page.screenshot()
    SHOTS.mkdir(parents=True, exist_ok=True)
    for place in (folder, SHOTS):
        (place / f"{name}.png").write_bytes(picture)

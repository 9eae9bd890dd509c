"""Viewers in a real Chromium with LiveKit's own client, and how far apart picture and sound are there."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from playwright.async_api import Browser, Page, async_playwright

from tests.browser.analysis import onsets
from tests.browser.chromium import find_chromium
from tests.browser.harness import FLAGS, GRAY_SIZE, PROBE, Recording, as_arrays
from tests.livekit.lamp import BRIGHT, DARK, LAMP

# The picture is shown small: whoever measures wants the machine for decoding, and it is looked at before it is scaled.
PAGE = b"<!doctype html><meta charset=utf-8><avatar-stage><video autoplay playsinline width=64></video></avatar-stage>"
SCRIPT = Path(__file__).with_name("viewer.js")
SIDE = 512  # px of the pictures
BOX = (LAMP.start / SIDE, LAMP.start / SIDE, (LAMP.stop - LAMP.start) / SIDE, (LAMP.stop - LAMP.start) / SIDE)
HEARD = 0.02  # RMS of full scale: a burst has 0.26
MATCH = 0.4  # s: the nearest flash of a burst, which come once a second


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """The page, wherever it is asked for."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def page_served() -> Iterator[str]:
    """The address of an empty page of this machine, which browsers let speak to other servers of it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser that plays sound unasked."""
    async with async_playwright() as playwright:
        flags = [*FLAGS, "--autoplay-policy=no-user-gesture-required"]
        browser = await playwright.chromium.launch(executable_path=find_chromium(), headless=True, args=flags)
        yield browser
        await browser.close()


@dataclass(frozen=True)
class Viewers:
    """Whoever comes to look."""

    browser: Browser
    address: str
    client: Path

    async def join(self, url: str, token: str) -> Page:
        """A page of its own in a room, which sees and hears somebody there on return."""
        page = await (await self.browser.new_context(viewport={"width": 160, "height": 120})).new_page()
        await page.add_init_script(path=PROBE)
        await page.goto(self.address)
        for script in (self.client, SCRIPT):
            await page.add_script_tag(path=script)
        await page.evaluate("([url, token]) => join(url, token)", [url, token])
        return page


async def watch(page: Page, seconds: float, *, closely: bool = True) -> Recording:
    """What it sees for some seconds, and hears. Not closely: only when pictures came, which costs the machine next to nothing."""
    box = BOX if closely else None
    return as_arrays(await page.evaluate("([seconds, box, size]) => probe(seconds, box, size)", [seconds, box, GRAY_SIZE]))


def offsets(recording: Recording) -> NDArray[np.float64]:
    """Of every burst that was heard the seconds to its flash: + where the picture is late, - where it leads."""
    flashes = onsets(recording.shown_at, recording.gray.mean(axis=(1, 2)), (DARK + BRIGHT) / 2)
    heard = onsets(recording.voice_at, recording.voice, HEARD)
    apart = np.array([flashes[np.abs(flashes - at).argmin()] - at for at in heard]) if flashes.size else np.zeros(0)
    return apart[np.abs(apart) < MATCH]

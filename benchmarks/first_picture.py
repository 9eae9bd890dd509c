"""What a visitor's first look costs: bytes and requests of the page, the time to the avatar's still, its film, and until it is
live. On this machine, each time with an empty cache; ``python -m benchmarks.first_picture``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import MISSING, find_chromium
from tests.browser.harness import Server, chromium, start, write_speech

STILL = "document.querySelector('avatar-stage img.still')?.naturalWidth > 0"
FILM = "document.querySelector('video.idle:not([hidden])')?.currentTime > 0"
READY = "document.querySelector('avatar-stage')?.dataset.ready !== undefined"
NOW = "performance.now() / 1000"


def look(browser: Browser, url: str) -> dict[str, float]:
    """One visit by somebody who has never been here: seconds since the address was asked for, MB and requests until then."""
    page = browser.new_page(viewport={"width": 1280, "height": 800}, bypass_csp=True)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(f"{url}/?echo=off", wait_until="commit")
    seen = {}
    for name, condition in (("still on screen", STILL), ("film of it moving", FILM), ("ready for Start", READY)):
        page.wait_for_function(condition, polling="raf", timeout=60_000)
        seen[name] = page.evaluate(NOW)
    seen["MB"], seen["requests"] = sum(sizes) / 1e6, len(sizes)
    pressed = page.evaluate(NOW)
    start(page)
    seen["live after Start"] = page.evaluate(NOW) - pressed
    page.close()
    return seen


def main() -> int:
    """Print medians; exit code 1 without a Chromium."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=5)
    given = parser.parse_args()
    if find_chromium() is None:
        print(MISSING)
        return 1
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        speech = Path(folder) / "speech.wav"
        write_speech(speech)
        with Server(Path(folder) / "log.txt", "app.py") as server:
            visits = []
            for _ in range(given.visits):
                with chromium(playwright, speech) as browser:  # a new one: nothing is kept
                    visits.append(look(browser, server.url))
    for name in visits[0]:
        values = [visit[name] for visit in visits]
        unit = "" if name in ("MB", "requests") else " s"
        print(f"{name:<20}{median(values):8.2f}{unit}   ({min(values):.2f} to {max(values):.2f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())

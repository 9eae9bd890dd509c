"""Finds a Chromium for the tests, or installs one: ``python -m tests.browser.chromium`` prints its path.

In this order: the CHROME variable, the PATH, playwright's own; then apt-get (as root on Debian and its like), then
``playwright install chromium``. Where none can be had the tests that need one are skipped, which a CI run (CI=true) counts as
a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CACHES = (".cache/ms-playwright", "Library/Caches/ms-playwright")  # Linux, macOS; below the home folder
BUILDS = ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/*.app/Contents/MacOS/*")
MISSING = "NO CHROMIUM: the tests of the page are skipped. Install Chromium, or set CHROME to the path of one."


def find_chromium() -> str | None:
    """The path of an installed Chromium, or None."""
    caches = [Path.home() / cache for cache in CACHES]
    if own := os.environ.get("PLAYWRIGHT_BROWSERS_PATH"):
        caches.insert(0, Path(own))
    candidates = [os.environ.get("CHROME"), *map(shutil.which, NAMES)]
    candidates += [str(path) for cache in caches for build in BUILDS for path in sorted(cache.glob(build))]
    return next((path for path in candidates if path and os.access(path, os.X_OK)), None)


def install_chromium() -> None:
    """Try the ways there are. What each says goes to the terminal; whether it worked is for find_chromium to tell."""
    ways = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        ways.insert(0, ["sh", "-c", "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install chromium"])
        ways[1].insert(-1, "--with-deps")
    for way in ways:
        if find_chromium() is None:
            print("installing Chromium for the tests of the page:", *way[:4], flush=True)
            subprocess.run(way, check=False)


def main() -> int:
    """Exit code 1 only where a CI run has no Chromium."""
    if find_chromium() is None:
        install_chromium()
    path = find_chromium()
    print(path or f"\n{'!' * 100}\n{MISSING}\n{'!' * 100}\n", flush=True)
    return int(path is None and os.environ.get("CI") == "true")


if __name__ == "__main__":
    sys.exit(main())

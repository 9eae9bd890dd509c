"""Finds a Firefox for the tests, or installs one: ``python -m tests.browser.firefox`` prints its path.

In this order: the FIREFOX variable, the PATH, macOS's applications; then apt-get (as root on Debian). Where none can be had the
tests that need one are skipped, which a CI run (CI=true) counts as a failure.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.browser.bidi import Bidi

NAMES = ("firefox-esr", "firefox")
APPLICATION = "/Applications/Firefox.app/Contents/MacOS/firefox"  # macOS
MISSING = "NO FIREFOX: the tests of the page in it are skipped. Install Firefox, or set FIREFOX to the path of one."
ENVIRONMENT = {"MOZ_REMOTE_SETTINGS_DEVTOOLS": "1"}  # else a release ignores services.settings.server
START_SECONDS = 30.0
END_SECONDS = 15.0
PREFERENCES = {
    # a microphone that nobody has to allow
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "media.cubeb.force_null_context": True,  # as on a machine without a sound device: nobody has to hear the tests
    # nothing but the page
    "browser.aboutwelcome.enabled": False,
    "browser.newtabpage.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.startup.page": 0,
    "startup.homepage_welcome_url": "about:blank",
    "datareporting.policy.dataSubmissionPolicyBypassNotification": True,
    # no word to anybody but the server; what BiDi sees to by itself is not repeated here
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.region.update.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.search.update": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.connection.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "extensions.update.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disablePrefetch": True,
    "network.trr.mode": 5,  # no DNS over HTTPS
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.unified": False,
}


def find_firefox() -> str | None:
    """The path of an installed Firefox, or None."""
    candidates = [os.environ.get("FIREFOX"), *map(shutil.which, NAMES), APPLICATION]
    return next((path for path in candidates if path and os.access(path, os.X_OK)), None)


def install_firefox() -> None:
    """Try apt-get. What it says goes to the terminal; whether it worked is for find_firefox to tell."""
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        print("installing Firefox for the tests of the page: apt-get install firefox-esr", flush=True)
        way = "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install firefox-esr"
        subprocess.run(["sh", "-c", way], check=False)


@contextmanager
def firefox() -> Iterator[Bidi]:
    """A Firefox without a window and with a profile of its own."""
    path = find_firefox()
    if path is None:
        raise FileNotFoundError(MISSING)
    with TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True) as home:
        profile = Path(home) / "profile"
        profile.mkdir()
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items()]
        (profile / "user.js").write_text("".join(lines))
        command = [path, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0", "about:blank"]
        with (Path(home) / "log.txt").open("w") as log:  # as root it runs only in a home of root's
            process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **ENVIRONMENT, "HOME": home})
        try:
            session = Bidi(_address(process, profile))
            yield session
            session.close()
            process.wait(END_SECONDS)
        finally:
            process.kill()
            process.wait()


def _address(process: subprocess.Popen[bytes], profile: Path) -> str:
    """Where it takes commands, once it says so."""
    said = profile / "WebDriverBiDiServer.json"
    end = time.monotonic() + START_SECONDS
    while not (said.exists() and said.read_text().endswith("}")):
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"Firefox did not start:\n{(profile.parent / 'log.txt').read_text()}")
        time.sleep(0.02)
    where = json.loads(said.read_text())
    return f"ws://{where['ws_host']}:{where['ws_port']}"


def main() -> int:
    """Exit code 1 only where a CI run has no Firefox."""
    if find_firefox() is None:
        install_firefox()
    path = find_firefox()
    print(path or f"\n{'!' * 100}\n{MISSING}\n{'!' * 100}\n", flush=True)
    return int(path is None and os.environ.get("CI") == "true")


if __name__ == "__main__":
    sys.exit(main())

"""What a visitor does on the demo's page, in Firefox: the one place that knows where its buttons are."""

from __future__ import annotations

from pathlib import Path

from tests.browser.bidi import Bidi
from tests.browser.harness import PROBE
from tests.browser.microphone import microphone
from tests.browser.tab import Tab

BUILD_SECONDS = 60.0  # the longest that an avatar may take to be made


def open_page(browser: Bidi, url: str, speech: Path) -> Tab:
    """The page of the demo, ready to start, with somebody who speaks into the microphone."""
    tab = Tab(browser)
    tab.add_init_script(microphone(speech))
    tab.add_init_script(PROBE.read_text())
    tab.go(f"{url}/?echo=off")
    tab.wait_for_selector(".card")
    return tab


def start(tab: Tab) -> None:
    """Press Start and wait for the living picture."""
    tab.click("avatar-stage button.main")
    wait_until_live(tab)


def wait_until_live(tab: Tab) -> None:
    """Wait for the living picture."""
    tab.wait_for_selector("avatar-stage:is([data-state=live], [data-state=failed])")
    assert tab.evaluate("() => document.querySelector('avatar-stage').dataset.state") == "live", status(tab)


def status(tab: Tab) -> str:
    """The sentence that the page shows."""
    return tab.text("avatar-stage .status")


def wait_until_speaking(tab: Tab) -> None:
    """Wait until the page says that the avatar speaks."""
    tab.wait_for("() => /is speaking/.test(document.querySelector('avatar-stage .status').textContent)")


def choose_file(tab: Tab, file: Path) -> None:
    """Let a sound file be spoken."""
    tab.click("#demo-tab-file")
    tab.set_files("[data-part=audio-file]", file)
    tab.click("[data-part=play]")


def has_a_voice(tab: Tab) -> bool:
    """Whether the server speaks texts; where it does not, the page says what is missing."""
    return tab.evaluate("() => document.querySelector('[data-part=language]').options.length > 0")


def advice(tab: Tab) -> str:
    """What the page says where the server does not speak texts."""
    return tab.evaluate("() => document.querySelector('[data-part=text]').placeholder")


def say_text(tab: Tab, text: str) -> None:
    """Let a text be spoken."""
    tab.click("#demo-tab-text")
    tab.fill("[data-part=text]", text)
    tab.click("[data-part=speak]")


def can_make_avatars(tab: Tab) -> bool:
    """Whether the server makes avatars from photos."""
    return tab.evaluate("() => !document.querySelector('[data-part=photo]').disabled")


def make_from_photo(tab: Tab, photo: Path) -> None:
    """Make an avatar from a photo, and wait until it is chosen."""
    tab.click("[data-part=photo]")
    tab.set_files("[data-photo=file]", photo)
    tab.click("[data-photo=consent]")
    tab.click("[data-photo=create]")
    tab.wait_for_selector(".own-card, [data-photo=note].fault", seconds=BUILD_SECONDS)
    assert tab.text("[data-photo=note]") == ""
    tab.wait_for("(name) => document.querySelector('h1').textContent === name", photo.stem)

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
    tab.wait_for_selector("avatar-stage[data-ready]")
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


def open_photo_panel(tab: Tab) -> None:
    """Unfold what makes an avatar from a photo."""
    unfolded = "() => document.querySelector('#photo-create')?.checkVisibility() ?? false"
    if not tab.evaluate(unfolded):
        tab.click("#photo-panel > button")
        tab.wait_for(unfolded)


def choose_file(tab: Tab, file: Path) -> None:
    """Let a sound file be spoken."""
    tab.click("#words-file-button")
    tab.wait_for_selector("#sound input[type=file]")
    tab.set_files("#sound input[type=file]", file)
    tab.wait_for_selector("#sound .waveform-container")
    tab.click("#speak-file")


def has_a_voice(tab: Tab) -> bool:
    """Whether the server speaks texts; where it does not, the page says what is missing."""
    tab.click("#words-text-button")
    tab.wait_for_selector("#text textarea")
    return tab.evaluate("() => !document.querySelector('#text textarea').disabled")


def advice(tab: Tab) -> str:
    """What the page says where the server does not speak texts."""
    return tab.evaluate("() => document.querySelector('#text textarea').placeholder")


def say_text(tab: Tab, text: str) -> None:
    """Let a text be spoken."""
    tab.click("#words-text-button")
    tab.wait_for_selector("#text textarea")
    tab.fill("#text textarea", text)
    tab.click("#speak-text")


def can_make_avatars(tab: Tab) -> bool:
    """Whether the server makes avatars from photos."""
    open_photo_panel(tab)
    return tab.evaluate("() => !document.querySelector('#photo-create').disabled")


def make_from_photo(tab: Tab, photo: Path) -> None:
    """Make an avatar from a photo, and wait until it is chosen."""
    open_photo_panel(tab)
    tab.set_files("#photo input[type=file]", photo)
    tab.wait_for_selector("#photo img")
    tab.click("#photo-consent label")
    tab.click("#photo-create")
    tab.wait_for_selector("#own-avatar, .toast-body", seconds=BUILD_SECONDS)
    tab.wait_for("(name) => document.querySelector('#avatar-name h1').textContent.trim() === name", photo.stem)

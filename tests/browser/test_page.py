"""The page itself: what it says when something does not work, who is let in, and whether everybody can use it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright

from tests.browser.conftest import screenshot
from tests.browser.harness import Server, chromium, open_page, start, status

pytestmark = pytest.mark.browser

PRESS = "avatar-stage button.main"
FAILED = "avatar-stage[data-state=failed]"
NO_MICROPHONE = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', '%s') }"


def refuse(page: Page) -> str:
    """Press Start, and return the sentence that says why it did not work."""
    page.click(PRESS)
    page.wait_for_selector(FAILED)
    assert page.inner_text(PRESS) == "Start"
    return status(page)


def test_before_start_there_is_a_living_picture_and_nothing_is_asked(page: Page, tmp_path: Path) -> None:
    assert page.evaluate("document.querySelector('avatar-stage img.still').naturalWidth") == 512
    page.wait_for_function("document.querySelector('video.idle:not([hidden])')?.currentTime > 0.3")
    assert page.evaluate("window.probeAsked === undefined")
    screenshot(page, "before-start", tmp_path)


def test_the_page_needs_no_other_host_and_breaks_no_rule_of_its_own(browser: Browser, server: Server) -> None:
    page = browser.new_page()
    page.route(lambda url: not url.startswith(server.url), lambda route: route.abort())
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.goto(server.url)
    page.wait_for_selector("avatar-stage[data-ready]")
    assert page.evaluate("getComputedStyle(document.querySelector('#avatar-name h1')).fontFamily").startswith("system-ui")
    page.close()
    assert faults == []


def test_nothing_moves_while_the_page_is_built(browser: Browser, server: Server) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.add_init_script(
        """window.shift = 0;
        new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.shift += entry.value)))
          .observe({ type: "layout-shift", buffered: true });"""
    )
    page.goto(server.url)
    page.wait_for_selector("avatar-stage[data-ready]")
    page.wait_for_timeout(500)
    assert page.evaluate("window.shift") < 0.02
    page.close()


def test_start_stop_and_start_again_with_the_keyboard(page: Page) -> None:
    page.focus(PRESS)
    for _ in range(2):
        page.keyboard.press("Enter")
        page.wait_for_selector("avatar-stage[data-state=live]", timeout=20_000)
        page.keyboard.press("Enter")
        page.wait_for_selector("avatar-stage[data-state=idle]")
        assert "Stopped" in status(page)
    assert page.evaluate("document.querySelector('video').srcObject") is None


def test_the_status_is_read_out(page: Page) -> None:
    assert page.locator(".status").get_attribute("aria-live") == "polite"
    assert page.get_by_role("button", name="Start").is_enabled()
    assert page.get_by_role("meter", name="Microphone level").count() == 1


def test_a_visitor_beyond_the_limit_waits_in_line_and_is_let_in(browser: Browser, server: Server, tmp_path: Path) -> None:
    first, second = open_page(browser, server.url), open_page(browser, server.url)
    start(first)
    second.click(PRESS)
    second.wait_for_selector("avatar-stage[data-state=waiting]")
    assert "You are next in line" in status(second)
    screenshot(second, "waiting", tmp_path)
    first.close()
    second.wait_for_selector("avatar-stage[data-state=live]", timeout=20_000)
    second.close()


def test_a_denied_microphone_is_explained(playwright: Playwright, server: Server, tmp_path: Path) -> None:
    with chromium(playwright, None, allow=False) as browser:
        page = open_page(browser, server.url)
        assert "The microphone is blocked" in refuse(page)
        screenshot(page, "denied", tmp_path)


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (NO_MICROPHONE % "NotFoundError", "No microphone was found"),
        (NO_MICROPHONE % "NotReadableError", "in use by another program"),
        (NO_MICROPHONE % "SomethingNewError", "cannot be used (SomethingNewError)"),
        ("Object.defineProperty(window, 'isSecureContext', {value: false})", "secure pages only"),
        ("delete window.RTCPeerConnection", "no WebRTC"),
    ],
)
def test_what_does_not_work_is_explained(page: Page, script: str, sentence: str) -> None:
    page.evaluate(f"() => {{ {script} }}")
    assert sentence in refuse(page)


def test_a_server_that_does_not_answer_is_explained(page: Page) -> None:
    page.route("**/rtc-config", lambda route: route.abort())
    assert "The server does not answer" in refuse(page)


def test_a_path_that_is_blocked_is_explained(page: Page) -> None:
    page.evaluate(
        """() => { // the browser takes every packet of the server for a stranger's
          const set = RTCPeerConnection.prototype.setRemoteDescription;
          RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
            return set.call(this, { type, sdp: sdp.replace(/a=ice-pwd:.*/g, "a=ice-pwd:0123456789012345678901") });
          };
        }"""
    )
    page.clock.install()
    page.click(PRESS)
    while not page.locator(FAILED).count():  # the page's patience begins when the server has answered
        page.clock.fast_forward(20_000)
        page.wait_for_timeout(100)
    assert "blocks WebRTC" in status(page)


def test_the_visitor_is_told_when_the_server_ends(browser: Browser, tmp_path: Path) -> None:
    with Server(tmp_path / "log.txt", "app.py") as server:
        page = open_page(browser, server.url)
        start(page)
    assert server.exit_code == 0  # by itself, within seconds, with a visitor who is live
    page.wait_for_selector(FAILED, timeout=40_000)
    assert "The server" in status(page)
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("device", "width", "height"), [("phone", 390, 844), ("desktop", 1280, 800), ("short", 900, 420)])
def test_it_fits_every_screen(
    browser: Browser, server: Server, tmp_path: Path, scheme: str, device: str, width: int, height: int
) -> None:
    page = open_page(browser, server.url, color_scheme=scheme, viewport={"width": width, "height": height})
    page.wait_for_function("document.querySelector('avatar-stage img').complete")
    page.wait_for_timeout(300)
    screenshot(page, f"{device}-{scheme}", tmp_path)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    button = page.locator(PRESS).bounding_box()
    assert button is not None
    assert button["y"] + button["height"] <= height  # Start is seen without scrolling
    assert button["height"] >= 44  # a finger hits it
    page.close()

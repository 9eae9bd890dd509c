"""A page that nobody tends comes back by itself when its server does; files without a kind reach the photo panel."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.harness import Server, open_page, start

pytestmark = pytest.mark.browser

BACK_MS = 60_000
DROP = """(bytes) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(bytes)], "IMG_1234"));
  const place = document.querySelector("#photo button") ?? document.querySelector("#photo");
  place.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""


def kiosk(browser: Browser, server: Server) -> Page:
    page = open_page(browser, server.url)
    page.goto(f"{server.url}/?echo=off&kiosk")
    page.wait_for_selector("avatar-stage[data-ready]")
    return page


def test_a_kiosk_is_live_again_after_its_server_was_started_anew(browser: Browser, tmp_path: Path) -> None:
    server = Server(tmp_path / "log.txt", "app.py", "--max-visitors", "1")
    with server:
        page, plain = kiosk(browser, server), open_page(browser, server.url)
        start(page)
        for tab in (page, plain):
            tab.evaluate("window.before = true")
    page.wait_for_selector("avatar-stage[data-state=failed]", timeout=BACK_MS)
    with server:
        page.wait_for_function("!window.before", timeout=BACK_MS)
        page.wait_for_selector("avatar-stage[data-state=live]", timeout=BACK_MS)
        assert plain.evaluate("window.before"), "no other page is reloaded: what was written there stays"
        page.click("avatar-stage button.main")
        page.reload()
        page.wait_for_selector("avatar-stage[data-ready]")
        assert page.get_attribute("avatar-stage", "data-state") == "idle", "Stop is Stop"
        page.close()
        plain.close()


def test_a_file_without_a_kind_reaches_the_photo_panel(page: Page) -> None:
    page.click("#photo-panel > button")
    page.wait_for_selector("#photo-create")
    heic = Path(__file__).parents[1] / "data" / "grace_hopper.heic"
    with page.expect_response(lambda answer: "/gradio_api/upload" in answer.url) as sent:
        page.evaluate(DROP, list(heic.read_bytes()[:5000]))
    assert sent.value.ok

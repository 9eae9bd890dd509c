"""Recording oneself, in a real Chromium before whose camera somebody sits who depicts nobody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from axe_playwright_python.sync_playwright import Axe
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page, Playwright

from bithuman_core.imx import read_imx
from bithuman_core.timing import FPS
from tests.browser.conftest import screenshot
from tests.browser.harness import Server, chromium, open_page, start
from tests.footage import shots

pytestmark = pytest.mark.browser
pytest.importorskip("ai_edge_litert")

LISTEN, READ = 7, 2  # seconds, in place of a visitor's 20 and 5: together more than a film needs
SHORT = 4 * FPS  # frames of a clip that is too short to be kept as film
GUIDE = "record-guide"
BUILD_MS = 300_000  # of a busy machine


@pytest.fixture(scope="module")
def frames() -> list[NDArray]:
    """Somebody speaks for a moment, then listens."""
    return shots(speaks=3, rests=24)[1]


@pytest.fixture(scope="module")
def filmed(
    playwright: Playwright, frames: list[NDArray], speech_wav: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """A Chromium whose camera sees this."""
    camera = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    with camera.open("wb") as file:
        for frame in frames:
            Image.fromarray(frame).save(file, "JPEG", quality=90)
    with chromium(playwright, speech_wav, camera=camera) as browser:
        yield browser


@pytest.fixture
def visitor(filmed: Browser, server: Server) -> Iterator[Page]:
    """The panel, open, on the page as it is served: its content security policy holds."""
    page = open_page(filmed, server.url, bypass_csp=False)
    open_panel(page)
    yield page
    page.close()


def wait_until(page: Page, true: str) -> None:
    """Wait for what an expression says; playwright's own way needs a page without the policy."""
    for _ in range(100):
        if page.evaluate(true):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never: {true}")


def open_panel(page: Page) -> None:
    page.click("#record-panel > button")
    page.wait_for_selector("#record button")


def open_camera(page: Page) -> None:
    page.locator("#record button", has_text="Click to Access Webcam").click()
    page.wait_for_selector(f"{GUIDE}[data-state=ready]")
    wait_until(page, "document.querySelector('#record video').videoWidth > 0")


def record(page: Page, listen: float = LISTEN, read: float = READ) -> None:
    """Press Record; so long is the countdown."""
    page.evaluate(f"Object.assign(document.querySelector('{GUIDE}').dataset, {{ listen: {listen}, read: {read} }})")
    page.get_by_role("button", name="Start recording").click()
    page.wait_for_selector(f"{GUIDE}[data-state=recording]")


def create(page: Page, name: str) -> None:
    page.fill("#record-name input", name)
    page.check("#record-consent input")
    page.click("#record-create")
    page.wait_for_selector("#own-avatar, .toast-body", timeout=BUILD_MS)
    assert page.locator(".toast-body").all_inner_texts() == []


def test_a_recording_becomes_a_living_film_that_can_be_kept(visitor: Page, server: Server, tmp_path: Path) -> None:
    asked: list[str] = []
    visitor.on("response", lambda response: asked.append(response.url))
    open_camera(visitor)
    visitor.evaluate(
        f"""() => {{
          window.told = [];
          const note = () => told.push(document.querySelector("{GUIDE} [role=status]").textContent);
          new MutationObserver(note).observe(document.querySelector("{GUIDE} [role=status]"), {{ childList: true }});
        }}"""
    )
    record(visitor)
    assert 1 <= int(visitor.inner_text(f"{GUIDE} .count")) <= LISTEN
    screenshot(visitor, "record-listen", tmp_path)
    visitor.wait_for_selector(f"{GUIDE}[data-state=recorded]", timeout=30_000)  # nobody has pressed Stop
    begun = [text.split()[0] for text in visitor.evaluate("told")]
    assert [word for word in begun if word != "One"] == ["Look", "Now", "That", "Watch"]
    wait_until(visitor, f"Math.abs(document.querySelector('#record video').duration - {LISTEN + READ}) < 2")
    create(visitor, "Me on film")
    assert visitor.inner_text("#avatar-name h1").strip() == "Me on film"
    assert "kept from" in visitor.inner_text("#avatar-note")
    start(visitor)
    visitor.wait_for_timeout(500)
    screenshot(visitor, "record-live", tmp_path)
    with visitor.expect_download() as file:
        visitor.get_by_role("button", name="Download .imx").click()
    kept = read_imx(Path(file.value.path())).manifest
    assert kept.kind == "footage" and "a clip of me" in kept.provenance["consent"]
    assert all(url.startswith((server.url, "blob:", "data:")) for url in asked)


def test_a_clip_that_cannot_be_kept_as_film_becomes_an_avatar_and_says_why(
    visitor: Page, frames: list[NDArray], tmp_path: Path
) -> None:
    clip = tmp_path / "me.mp4"
    with av.open(clip, "w") as container:
        stream = container.add_stream("libx264", FPS)
        stream.height, stream.width = frames[0].shape[:2]
        for frame in frames[:SHORT]:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode())
    visitor.locator("#record").get_by_role("button", name="Upload file").click()
    visitor.set_input_files("#record input[type=file]", clip)
    visitor.wait_for_selector(f"{GUIDE}[data-state=recorded]")
    create(visitor, "Me")
    assert "has 4.0 s and 8 are needed" in visitor.inner_text("#avatar-note")
    screenshot(visitor, "record-photo", tmp_path)


def test_a_camera_that_is_refused_is_explained(playwright: Playwright, server: Server) -> None:
    with chromium(playwright, None, allow=False) as browser:
        page = open_page(browser, server.url)
        open_panel(page)
        page.locator("#record button", has_text="Click to Access Webcam").click()
        page.wait_for_function(f"document.querySelector('{GUIDE}').textContent.includes('camera or microphone is blocked')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("device", "width", "height"), [("phone", 390, 844), ("desktop", 1280, 900)])
def test_everybody_can_record(
    filmed: Browser, server: Server, tmp_path: Path, scheme: str, device: str, width: int, height: int
) -> None:
    page = open_page(filmed, server.url, color_scheme=scheme, viewport={"width": width, "height": height})
    open_panel(page)
    check(page, f"record-off-{device}-{scheme}", tmp_path)
    open_camera(page)
    words, frame = page.locator(GUIDE).bounding_box(), page.locator("#record video").bounding_box()
    assert words is not None and frame is not None
    assert frame["y"] + frame["height"] - words["y"] < height  # what to do is seen together with oneself
    check(page, f"record-ready-{device}-{scheme}", tmp_path)
    page.locator("#record-create").scroll_into_view_if_needed()
    record(page, listen=0, read=60)
    assert "read aloud" in page.inner_text(GUIDE)
    words = page.locator(GUIDE).bounding_box()
    assert words is not None and words["y"] >= 0  # it comes into view by itself
    check(page, f"record-read-{device}-{scheme}", tmp_path)
    page.close()


def check(page: Page, name: str, folder: Path) -> None:
    """Nothing is too wide, and axe finds no fault."""
    page.wait_for_timeout(400)  # what fades in has come
    screenshot(page, name, folder)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    violations = [fault for fault in Axe().run(page).response["violations"] if fault["impact"] in ("serious", "critical")]
    assert not violations, [(fault["id"], [node["target"] for node in fault["nodes"]]) for fault in violations]

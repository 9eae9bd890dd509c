"""What visitors do, in a real Chromium: choose, speak by file and text, bring avatars along, make one of a photo, come back."""

from __future__ import annotations

import math
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from json import load
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Error, Page

from bithuman_core.settings import models_dir, speech_clip
from tests.browser.conftest import screenshot
from tests.browser.harness import ROOT, Server, open_page, start, status

pytestmark = pytest.mark.browser

ASTRONAUT = ROOT / "tests" / "data" / "astronaut.jpg"
IMX_INPUT = 'input[data-testid="Open an .imx file-upload-button"]'
TOAST = ".toast-body .toast-text"
SHIPPED = len(list(models_dir().glob("*.imx")))
LIVE = "avatar-stage[data-state=live]"
GRAB = """(selector) => {
  const video = document.querySelector(selector), canvas = new OffscreenCanvas(64, 64).getContext("2d");
  canvas.drawImage(video, 0, 0, 64, 64);
  return [...canvas.getImageData(0, 0, 64, 64).data];
}"""
LOUDNESS = """async (seconds) => {
  const context = new AudioContext(), analyser = new AnalyserNode(context, { fftSize: 2048 }), samples = new Float32Array(2048);
  context.createMediaStreamSource(document.querySelector("video.live").srcObject).connect(analyser);
  let peak = 0;
  for (const end = performance.now() + 1000 * seconds; performance.now() < end; await new Promise((go) => setTimeout(go, 20))) {
    analyser.getFloatTimeDomainData(samples);
    peak = Math.max(peak, ...samples);
  }
  await context.close();
  return peak;
}"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo for two visitors."""
    with Server(tmp_path_factory.mktemp("demo") / "log.txt", "app.py", "--max-visitors", "2", "--avatar", "mara") as server:
        yield server


@pytest.fixture
def visitor(browser: Browser, demo: Server) -> Iterator[Page]:
    page = open_page(browser, demo.url)
    yield page
    page.close()


def seen(page: Page, selector: str = "video.live") -> NDArray[np.float64]:
    """The picture on the page, small."""
    return np.array(page.evaluate(GRAB, selector), np.float64)


def stills() -> dict[str, NDArray[np.float64]]:
    """What the shipped avatars look like."""
    return {
        name: np.asarray(Image.open(models_dir() / f"{name}.png").convert("RGBA").resize((64, 64)), np.float64).ravel()
        for name in ("mara", "erik", "theo")
    }


def who(page: Page) -> str:
    """Which avatar the live picture shows."""
    picture = seen(page)
    return min((float(np.abs(picture - still).mean()), name) for name, still in stills().items())[1]


def wait_until_seen(page: Page, name: str) -> None:
    """Wait for an avatar to have faded in."""
    for _ in range(100):
        if who(page) == name:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{name} was never seen, {who(page)} was")


def choose(page: Page, name: str) -> None:
    """Choose an avatar of the gallery."""
    page.locator("#avatar-gallery button", has_text=name).click()
    page.wait_for_function("(name) => document.querySelector('#avatar-name h1').textContent.trim() === name", arg=name)


def open_words(page: Page, name: str) -> None:
    """Another way to speak."""
    page.get_by_role("tab", name=name).click()


def open_photo_panel(page: Page) -> None:
    page.click("#photo-panel > button")
    page.wait_for_selector("#photo-create")
    if page.locator("#photo-create").is_disabled():
        pytest.skip("this installation makes no avatars from photos")


def close_toast(page: Page) -> None:
    """Close the sentence, and wait until it has faded."""
    page.click(".toast-close")
    page.wait_for_selector(TOAST, state="detached")


def choose_sound(page: Page, file: Path) -> None:
    open_words(page, "Audio file")
    page.set_input_files("#sound input[type=file]", file)
    page.wait_for_selector("#sound .waveform-container")


def live(demo: Server) -> int:
    """How many the server says are live."""
    with urllib.request.urlopen(f"{demo.url}/health") as answer:
        return int(load(answer)["live"])


def wait_until_live(demo: Server, page: Page, count: int) -> None:
    """Wait until the server says so: less than the ten seconds after which it ends a visit that nobody has left."""
    for _ in range(30):
        if live(demo) == count:
            return
        page.wait_for_timeout(250)  # a busy machine takes its time
    raise AssertionError(f"{live(demo)} are live, not {count}")


def test_another_avatar_comes_before_and_during_a_visit(visitor: Page, tmp_path: Path) -> None:
    choose(visitor, "Theo")
    start(visitor)
    wait_until_seen(visitor, "theo")
    choose(visitor, "Erik")
    wait_until_seen(visitor, "erik")
    visitor.wait_for_function("document.querySelector('avatar-stage .status').textContent.startsWith('Erik is ')")
    screenshot(visitor, "live-erik", tmp_path)


def test_two_visitors_see_each_their_own_and_one_who_closes_disturbs_nobody(browser: Browser, demo: Server) -> None:
    first, second = open_page(browser, demo.url), open_page(browser, demo.url)
    choose(second, "Theo")
    start(first)
    start(second)
    wait_until_seen(first, "mara")
    wait_until_seen(second, "theo")
    second.locator("#emotion label", has_text="Joy").click()
    assert live(demo) == 2
    second.close(run_before_unload=True)  # as a visitor closes a tab; else Chromium may end it before it says goodbye
    wait_until_live(demo, first, 1)
    assert first.locator(LIVE).count() == 1
    first.close()


def test_a_tab_that_dies_without_a_goodbye_frees_its_place(browser: Browser, demo: Server) -> None:
    first, second = open_page(browser, demo.url), open_page(browser, demo.url)
    start(first)
    start(second)
    assert live(demo) == 2
    with suppress(Error):  # Playwright says that the page died
        second.goto("chrome://crash")
    wait_until_live(demo, first, 1)
    assert first.locator(LIVE).count() == 1
    first.close()


def test_a_sound_file_is_spoken_without_a_microphone_and_filmed(visitor: Page, tmp_path: Path) -> None:
    choose_sound(visitor, speech_clip())
    visitor.click("#speak-file")
    visitor.wait_for_selector(LIVE, timeout=20_000)
    visitor.wait_for_selector(".caption[data-word=Speaking]")
    assert visitor.evaluate(LOUDNESS, 2) > 0.05
    assert visitor.evaluate("window.probeAsked === undefined")
    screenshot(visitor, "file-speaking", tmp_path)
    visitor.click("#stop-file")
    visitor.wait_for_selector(".caption[data-word=Ready]")
    visitor.click("#video-file")
    visitor.wait_for_selector("#video .progress-text, #video .progress-level", timeout=30_000)
    screenshot(visitor, "film-progress", tmp_path)
    visitor.wait_for_selector("#video video", timeout=120_000)
    visitor.wait_for_function("document.querySelector('#video video').videoWidth === 512")
    address = visitor.evaluate("document.querySelector('#video video').currentSrc")
    assert visitor.request.get(address).body()[4:8] == b"ftyp"
    assert "Mara%20-%20librispeech" in address or "Mara - librispeech" in address
    screenshot(visitor, "film", tmp_path)


def test_recorded_motion_is_done_alone_and_filmed(visitor: Page, tmp_path: Path) -> None:
    take = tmp_path / "nod.csv"
    rows = (f"{k / 25:.2f},{abs(k % 20 - 10) / 12:.3f},{8 * math.sin(k / 8):.3f}" for k in range(100))
    take.write_text("time,jawOpen,headPitch\n" + "\n".join(rows))
    open_words(visitor, "Audio file")
    visitor.click("#motion-panel > button")
    visitor.set_input_files("#motion-file input[type=file]", take)
    visitor.wait_for_selector("#motion-file >> text=nod")
    visitor.locator("#motion-panel").scroll_into_view_if_needed()
    screenshot(visitor, "motion-file", tmp_path)
    visitor.click("#speak-file")
    visitor.wait_for_selector(LIVE, timeout=20_000)
    visitor.wait_for_function("document.querySelector('avatar-stage .status').textContent.startsWith('Mara is ')")
    visitor.click("#stop-file")
    visitor.click("#video-file")
    visitor.wait_for_selector("#video video", timeout=120_000)
    visitor.wait_for_function("document.querySelector('#video video').duration > 3.9")
    assert "nod" in visitor.evaluate("document.querySelector('#video video').currentSrc")
    screenshot(visitor, "motion-film", tmp_path)


def test_what_a_visitor_brought_is_gone_when_the_page_is_closed(browser: Browser, demo: Server) -> None:
    page = open_page(browser, demo.url)
    choose_sound(page, speech_clip())
    page.click("#video-file")
    page.wait_for_selector("#video video", timeout=120_000)
    address = page.evaluate("document.querySelector('#video video').currentSrc")
    other = open_page(browser, demo.url)
    assert other.request.get(address).status == 200
    page.close(run_before_unload=True)
    for _ in range(100):  # Gradio looks every 15 s whether a page is still there, where the browser does not say so
        if other.request.get(address).status == 404 or other.request.get(address).status == 403:
            break
        other.wait_for_timeout(250)
    else:
        raise AssertionError("the video is still there")
    other.close()


def test_a_file_that_is_no_sound_gets_its_sentence(visitor: Page) -> None:
    open_words(visitor, "Audio file")
    visitor.click("#speak-file")
    visitor.wait_for_selector(TOAST)
    assert "Choose a sound file first." in visitor.inner_text(TOAST)


def test_a_text_is_spoken_where_the_server_has_a_voice(visitor: Page, tmp_path: Path) -> None:
    open_words(visitor, "Text")
    visitor.wait_for_selector("#text textarea")
    if visitor.locator("#text textarea").is_disabled():
        assert "pip install espeakng-loader" in (visitor.get_attribute("#text textarea", "placeholder") or "")
        return
    visitor.fill("#text textarea", "One two three four five six seven eight.")
    visitor.press("#text textarea", "Shift+Enter")
    visitor.wait_for_selector(LIVE, timeout=20_000)
    assert visitor.evaluate(LOUDNESS, 2) > 0.05
    screenshot(visitor, "text-speaking", tmp_path)


def test_emotion_gesture_and_stillness(visitor: Page, tmp_path: Path) -> None:
    visitor.locator("#gestures button", has_text="Nod").click()
    visitor.wait_for_selector(TOAST)
    assert "press Start first" in visitor.inner_text(TOAST)
    start(visitor)
    visitor.locator("#emotion label", has_text="Surprise").click()
    visitor.locator("#gestures button", has_text="Nod").click()
    visitor.locator("#stillness input[type=range]").fill("1")
    visitor.wait_for_timeout(1500)
    assert status(visitor) in ("Mara is listening. Speak.", "Mara is speaking.")  # and no sentence about a fault
    screenshot(visitor, "surprise", tmp_path)


def test_the_badge_and_the_sentence_below_always_agree(visitor: Page) -> None:
    visitor.evaluate(
        """() => {
          window.pairs = new Set();
          const text = (selector) => document.querySelector(selector).textContent;
          const note = () => pairs.add(`${text(".caption")}|${text(".status")}`);
          const stage = document.querySelector("avatar-stage");
          const changed = () => stage.dataset.state === "live" && queueMicrotask(note);
          new MutationObserver(changed).observe(stage, { subtree: true, childList: true, attributes: true });
        }"""
    )
    start(visitor)
    for word in ("Speaking", "Listening", "Speaking"):
        visitor.wait_for_selector(f".caption[data-word={word}]", timeout=60_000)
    assert set(visitor.evaluate("[...pairs]")) == {"Listening|Mara is listening. Speak.", "Speaking|Mara is speaking."}


def test_an_imx_file_is_listed_for_its_visitor_alone(browser: Browser, demo: Server, visitor: Page, tmp_path: Path) -> None:
    cards = "#avatar-gallery .gallery-item"
    visitor.set_input_files(IMX_INPUT, models_dir() / "erik.imx")
    visitor.wait_for_selector("#own-avatar")
    visitor.wait_for_function("document.querySelector('#avatar-name h1').textContent.trim() === 'Erik'")
    assert visitor.locator(cards).count() == SHIPPED + 1
    visitor.wait_for_selector("#avatar-gallery .gallery-item:last-child .selected")
    start(visitor)
    wait_until_seen(visitor, "erik")
    screenshot(visitor, "own-avatar", tmp_path)
    other = open_page(browser, demo.url)
    assert other.locator(cards).count() == SHIPPED
    other.close()
    with visitor.expect_download() as file:
        visitor.get_by_role("button", name="Download .imx").click()
    assert Path(file.value.path()).read_bytes() == (models_dir() / "erik.imx").read_bytes()
    visitor.get_by_role("button", name="Remove").click()
    wait_until_seen(visitor, "mara")
    visitor.wait_for_selector("#avatar-gallery .gallery-item:first-child .selected")
    visitor.wait_for_timeout(1000)  # and nobody else takes her place
    assert who(visitor) == "mara"
    assert visitor.inner_text("#avatar-name h1") == "Mara"
    assert visitor.locator(cards).count() == SHIPPED


OVERLAP = """() => {
  const [a, b] = [".caption", "figcaption"].map((part) => document.querySelector(part).getBoundingClientRect());
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}"""


@pytest.mark.parametrize(("aspect", "size"), [("9:16", [512, 912]), ("16:9", [912, 512])])
def test_an_upright_or_wide_avatar_fills_a_stage_of_its_shape(
    browser: Browser, demo: Server, tmp_path: Path, aspect: str, size: list[int]
) -> None:
    pytest.importorskip("ai_edge_litert")
    from bithuman_core.build import build_avatar

    file = tmp_path / "astronaut.imx"
    build_avatar(ASTRONAUT, file, consent="The picture is in the public domain.", aspect=aspect)
    for device, width, height in (("desktop", 1440, 900), ("phone", 390, 844), ("short", 900, 420)):
        page = open_page(browser, demo.url, viewport={"width": width, "height": height})
        page.set_input_files(IMX_INPUT, file)
        page.wait_for_selector("#own-avatar")
        start(page)
        page.wait_for_function(f"document.querySelector('video.live').videoWidth === {size[0]}")
        assert page.evaluate("document.querySelector('video.live').videoHeight") == size[1]
        figure, button = page.locator("figure").bounding_box(), page.locator(".stage button.main").bounding_box()
        assert figure is not None and button is not None
        assert figure["width"] / figure["height"] == pytest.approx(size[0] / size[1], rel=0.01)
        assert min(figure["width"] / width, figure["height"] / height) > 0.2
        assert figure["y"] + figure["height"] <= height and button["y"] + button["height"] <= height  # seen without scrolling
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert not page.evaluate(OVERLAP)
        screenshot(page, f"{device}-{aspect.replace(':', 'x')}", tmp_path)
        page.close()


@pytest.mark.parametrize(
    ("content", "word"), [(b"IMX\0" + bytes(5000), "commercial"), (b"GIF89a" + bytes(5000), "not an avatar")]
)
def test_a_foreign_file_gets_its_sentence(visitor: Page, content: bytes, word: str) -> None:
    visitor.set_input_files(IMX_INPUT, {"name": "mine.imx", "mimeType": "", "buffer": content})
    visitor.wait_for_selector(TOAST)
    assert word in visitor.inner_text(TOAST)
    assert visitor.locator("#avatar-gallery .gallery-item").count() == SHIPPED


def test_a_photo_becomes_an_avatar_that_is_live(visitor: Page, tmp_path: Path) -> None:
    open_photo_panel(visitor)
    visitor.set_input_files("#photo input[type=file]", {"name": "grey.png", "mimeType": "image/png", "buffer": grey_picture()})
    visitor.wait_for_selector("#photo img")
    visitor.click("#photo-create")
    visitor.wait_for_selector(TOAST)
    assert "agrees" in visitor.inner_text(TOAST)  # nobody has agreed yet
    close_toast(visitor)
    visitor.check("#photo-consent input")
    visitor.click("#photo-create")
    visitor.wait_for_selector(TOAST, timeout=60_000)
    note = visitor.inner_text(TOAST)
    assert "face" in note and " %" in note and "0." not in note
    screenshot(visitor, "photo-without-face", tmp_path)
    close_toast(visitor)
    visitor.get_by_role("button", name="Remove Image").or_(visitor.locator("#photo button[aria-label=Clear]")).first.click()
    visitor.set_input_files("#photo input[type=file]", models_dir() / "theo.png")
    visitor.wait_for_selector("#photo img")
    visitor.fill("#photo-name input", "My face")
    visitor.click("#photo-create")
    visitor.wait_for_selector("#photo-progress .progress-level, #photo-progress .progress-text", timeout=60_000)
    screenshot(visitor, "photo-progress", tmp_path)
    visitor.wait_for_selector("#own-avatar", timeout=120_000)
    visitor.wait_for_function("document.querySelector('#avatar-name h1').textContent.trim() === 'My face'")
    start(visitor)
    visitor.wait_for_timeout(1000)
    assert who(visitor) == "theo"
    screenshot(visitor, "photo-live", tmp_path)


def test_a_snapshot_of_the_camera_can_be_the_photo(visitor: Page, tmp_path: Path) -> None:
    open_photo_panel(visitor)
    visitor.locator("#photo .source-selection button").nth(1).click()
    visitor.locator("#photo button", has_text="Click to Access Webcam").click()
    visitor.wait_for_function("document.querySelector('#photo video')?.videoWidth > 0")
    screenshot(visitor, "photo-camera", tmp_path)
    visitor.locator("#photo .button-wrap button").first.click()
    visitor.wait_for_function("document.querySelector('#photo img')?.naturalWidth > 0")


def grey_picture() -> bytes:
    """No face in it."""
    from io import BytesIO

    picture = BytesIO()
    Image.new("RGB", (400, 400), (120, 120, 120)).save(picture, "PNG")
    return picture.getvalue()


def test_a_lost_connection_comes_back_with_the_same_avatar(visitor: Page, demo: Server) -> None:
    choose(visitor, "Theo")
    start(visitor)
    wait_until_seen(visitor, "theo")
    visitor.evaluate(
        """() => { // as when the network changes: the browser gives the connection up, the server has not noticed
          window.lost = window.probeCall;
          Object.defineProperty(lost, "connectionState", { value: "failed" });
          lost.onconnectionstatechange();
        }"""
    )
    visitor.wait_for_function("window.probeCall !== window.lost")
    visitor.wait_for_selector(LIVE, timeout=20_000)
    wait_until_seen(visitor, "theo")
    wait_until_live(demo, visitor, 1)


def test_the_way_to_speak_can_be_changed_during_a_visit(visitor: Page) -> None:
    open_words(visitor, "Text")
    visitor.wait_for_function("document.querySelector('avatar-stage .status').textContent.startsWith('Write')")
    visitor.click("button.main")
    visitor.wait_for_selector(LIVE, timeout=20_000)
    assert visitor.evaluate("window.probeAsked === undefined")
    open_words(visitor, "Microphone")
    visitor.wait_for_selector(".caption:is([data-word=Listening], [data-word=Speaking])")
    assert visitor.evaluate(LOUDNESS, 3) > 0.05  # the fake microphone speaks


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", ["idle", "live", "text", "photo"])
def test_everybody_can_use_the_page(browser: Browser, demo: Server, scheme: str, state: str, tmp_path: Path) -> None:
    page = open_page(browser, demo.url, color_scheme=scheme)
    if state == "live":
        start(page)
        page.click("#measured > button")
    elif state == "text":
        open_words(page, "Text")
        page.wait_for_selector("#text textarea")
    elif state == "photo":
        open_photo_panel(page)
    page.wait_for_timeout(400)  # what fades in has come
    screenshot(page, f"axe-{state}-{scheme}", tmp_path)
    violations = [fault for fault in Axe().run(page).response["violations"] if fault["impact"] in ("serious", "critical")]
    assert not violations, [(fault["id"], [node["target"] for node in fault["nodes"]]) for fault in violations]
    page.close()


def test_tabs_and_avatars_are_chosen_with_the_keyboard(visitor: Page) -> None:
    visitor.locator("#words-file-button").focus()
    visitor.keyboard.press("Enter")
    visitor.wait_for_selector("#sound input[type=file]", state="attached")
    visitor.locator("#avatar-gallery button").nth(1).focus()
    visitor.keyboard.press("Enter")
    visitor.wait_for_function("document.querySelector('#avatar-name h1').textContent.trim() !== 'Mara'")

"""What visitors do, in a real Chromium: choose, speak by file and text, bring avatars along, make one of a photo, come back."""

from __future__ import annotations

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
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo for two visitors."""
    with Server(tmp_path_factory.mktemp("house") / "log.txt", "app.py", "--max-visitors", "2") as server:
        yield server


@pytest.fixture
def visitor(browser: Browser, house: Server) -> Iterator[Page]:
    page = open_page(browser, house.url)
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


def live(house: Server) -> int:
    """How many the server says are live."""
    with urllib.request.urlopen(f"{house.url}/health") as answer:
        return int(load(answer)["live"])


def wait_until_live(house: Server, page: Page, count: int) -> None:
    """Wait until the server says so: less than the ten seconds after which it ends a visit that nobody has left."""
    for _ in range(30):
        if live(house) == count:
            return
        page.wait_for_timeout(250)  # a busy machine takes its time
    raise AssertionError(f"{live(house)} are live, not {count}")


def test_another_avatar_comes_before_and_during_a_visit(visitor: Page, tmp_path: Path) -> None:
    visitor.get_by_text("Theo", exact=True).click()
    visitor.wait_for_function("document.querySelector('h1').textContent === 'Theo'")
    start(visitor)
    wait_until_seen(visitor, "theo")
    visitor.get_by_text("Erik", exact=True).click()
    wait_until_seen(visitor, "erik")
    assert "Erik is " in status(visitor)
    screenshot(visitor, "live-erik", tmp_path)


def test_two_visitors_see_each_their_own_and_one_who_closes_disturbs_nobody(browser: Browser, house: Server) -> None:
    first, second = open_page(browser, house.url), open_page(browser, house.url)
    second.get_by_text("Theo", exact=True).click()
    start(first)
    start(second)
    wait_until_seen(first, "mara")
    wait_until_seen(second, "theo")
    second.get_by_text("Joy", exact=True).click()
    assert live(house) == 2
    second.close(run_before_unload=True)  # as a visitor closes a tab; else Chromium may end it before it says goodbye
    wait_until_live(house, first, 1)
    assert first.locator(LIVE).count() == 1
    first.close()


def test_a_tab_that_dies_without_a_goodbye_frees_its_place(browser: Browser, house: Server) -> None:
    first, second = open_page(browser, house.url), open_page(browser, house.url)
    start(first)
    start(second)
    assert live(house) == 2
    with suppress(Error):  # Playwright says that the page died
        second.goto("chrome://crash")
    wait_until_live(house, first, 1)
    assert first.locator(LIVE).count() == 1
    first.close()


def test_a_sound_file_is_spoken_without_a_microphone_and_filmed(visitor: Page, tmp_path: Path) -> None:
    visitor.get_by_role("tab", name="Audio file").click()
    visitor.set_input_files("[data-part=audio-file]", speech_clip())
    visitor.wait_for_selector("[data-part=play]:not(:disabled)")
    visitor.click("[data-part=play]")
    visitor.wait_for_selector(LIVE, timeout=20_000)
    visitor.wait_for_selector(".caption[data-word=Speaking]")
    assert visitor.evaluate(LOUDNESS, 2) > 0.05
    assert visitor.evaluate("window.probeAsked === undefined")
    screenshot(visitor, "file-speaking", tmp_path)
    visitor.click("[data-part=play]")  # Stop
    assert visitor.inner_text("[data-part=play]") == "Play"
    with visitor.expect_download(timeout=120_000) as film:
        visitor.click("[data-part=film-file]")
        visitor.wait_for_function("document.querySelector('[data-part=progress]').value > 0")
        screenshot(visitor, "film-progress", tmp_path)
    assert Path(film.value.path()).read_bytes()[4:8] == b"ftyp"
    assert film.value.suggested_filename.startswith("Mara - librispeech")


def test_a_file_that_is_no_sound_gets_its_sentence(visitor: Page) -> None:
    visitor.get_by_role("tab", name="Audio file").click()
    visitor.set_input_files("[data-part=audio-file]", {"name": "x.mp3", "mimeType": "audio/mpeg", "buffer": b"nothing" * 99})
    visitor.wait_for_selector("[data-part=words-note].fault")
    assert "cannot be read as audio" in visitor.inner_text("[data-part=words-note]")


def test_a_text_is_spoken_where_the_server_has_a_voice(visitor: Page, tmp_path: Path) -> None:
    visitor.get_by_role("tab", name="Text").click()
    if visitor.locator("[data-part=language] option").count() == 0:
        assert "pip install espeakng-loader" in (visitor.get_attribute("[data-part=text]", "placeholder") or "")
        return
    visitor.fill("[data-part=text]", "One two three four five six seven eight.")
    visitor.press("[data-part=text]", "Control+Enter")
    visitor.wait_for_selector(LIVE, timeout=20_000)
    assert visitor.evaluate(LOUDNESS, 2) > 0.05
    screenshot(visitor, "text-speaking", tmp_path)
    visitor.wait_for_function("document.querySelector('[data-part=speak]').textContent === 'Speak'")  # it says when it is done


def test_emotion_gesture_and_stillness_are_there_while_live(visitor: Page, tmp_path: Path) -> None:
    assert visitor.get_by_role("radio", name="Surprise").is_disabled()
    start(visitor)
    visitor.locator("label", has_text="Surprise").click()
    visitor.get_by_role("button", name="nod").click()
    visitor.get_by_role("slider", name="Stillness").fill("1")
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


def test_an_imx_file_is_listed_for_its_visitor_alone(browser: Browser, house: Server, visitor: Page, tmp_path: Path) -> None:
    visitor.set_input_files("[data-part=imx-file]", models_dir() / "erik.imx")
    visitor.wait_for_selector(".own-card")
    visitor.wait_for_function("document.querySelector('h1').textContent === 'Erik'")
    start(visitor)
    wait_until_seen(visitor, "erik")
    screenshot(visitor, "own-avatar", tmp_path)
    other = open_page(browser, house.url)
    assert other.locator(".card").count() == len(list(models_dir().glob("*.imx")))
    other.close()
    visitor.get_by_role("button", name="Remove Erik").click()
    wait_until_seen(visitor, "mara")
    assert visitor.locator(".card").count() == len(list(models_dir().glob("*.imx")))


OVERLAP = """() => {
  const [a, b] = [".caption", "figcaption"].map((part) => document.querySelector(part).getBoundingClientRect());
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}"""


@pytest.mark.parametrize(("aspect", "size"), [("9:16", [512, 912]), ("16:9", [912, 512])])
def test_an_upright_or_wide_avatar_fills_a_stage_of_its_shape(
    browser: Browser, house: Server, tmp_path: Path, aspect: str, size: list[int]
) -> None:
    pytest.importorskip("ai_edge_litert")
    from bithuman_core.build import build_avatar

    file = tmp_path / "astronaut.imx"
    build_avatar(ASTRONAUT, file, consent="The picture is in the public domain.", aspect=aspect)
    for device, width, height in (("desktop", 1440, 900), ("phone", 390, 844), ("short", 900, 420)):
        page = open_page(browser, house.url, viewport={"width": width, "height": height})
        page.set_input_files("[data-part=imx-file]", file)
        page.wait_for_selector(".own-card")
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
    visitor.set_input_files("[data-part=imx-file]", {"name": "mine.imx", "mimeType": "", "buffer": content})
    visitor.wait_for_selector("[data-part=avatar-note].fault")
    assert word in visitor.inner_text("[data-part=avatar-note]")
    assert visitor.locator(".card").count() == len(list(models_dir().glob("*.imx")))


def test_a_file_can_be_dropped(visitor: Page) -> None:
    visitor.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["no avatar at all"], "dropped.imx"));
          document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }"""
    )
    visitor.wait_for_selector("[data-part=avatar-note].fault")
    assert "dropped.imx" in visitor.inner_text("[data-part=avatar-note]")


def test_a_photo_becomes_an_avatar_that_is_live_and_can_be_kept(visitor: Page, tmp_path: Path) -> None:
    if visitor.get_by_role("button", name="Create from a photo").is_disabled():
        pytest.skip("this installation makes no avatars from photos")
    visitor.get_by_role("button", name="Create from a photo").click()
    create = visitor.get_by_role("button", name="Create", exact=True)
    visitor.set_input_files("[data-photo=file]", {"name": "grey.png", "mimeType": "image/png", "buffer": grey_picture()})
    assert create.is_disabled()  # nobody has agreed yet
    visitor.check("[data-photo=consent]")
    create.click()
    visitor.wait_for_selector("[data-photo=note].fault", timeout=60_000)
    note = visitor.inner_text("[data-photo=note]")
    assert "face" in note and " %" in note and "0." not in note
    screenshot(visitor, "photo-without-face", tmp_path)
    visitor.set_input_files("[data-photo=file]", models_dir() / "theo.png")
    visitor.fill("[data-photo=name]", "My face")
    create.click()
    visitor.wait_for_function("document.querySelector('[data-photo=progress]').value > 0.2", timeout=60_000)
    screenshot(visitor, "photo-progress", tmp_path)
    visitor.wait_for_selector(".own-card", timeout=120_000)
    visitor.wait_for_function("document.querySelector('h1').textContent === 'My face'")
    start(visitor)
    visitor.wait_for_timeout(1000)
    assert who(visitor) == "theo"
    screenshot(visitor, "photo-live", tmp_path)
    with visitor.expect_download() as file:
        visitor.get_by_role("link", name="Download .imx").click()
    assert file.value.suggested_filename == "My face.imx"


def test_a_snapshot_of_the_camera_can_be_the_photo(visitor: Page, tmp_path: Path) -> None:
    if visitor.get_by_role("button", name="Create from a photo").is_disabled():
        pytest.skip("this installation makes no avatars from photos")
    visitor.get_by_role("button", name="Create from a photo").click()
    visitor.get_by_role("button", name="Use the camera").click()
    visitor.wait_for_function("document.querySelector('[data-photo=camera]').videoWidth > 0")
    screenshot(visitor, "photo-camera", tmp_path)
    visitor.get_by_role("button", name="Take the picture").click()
    visitor.wait_for_function("document.querySelector('[data-photo=picture]').naturalWidth > 0")
    assert visitor.locator("[data-photo=camera]").is_hidden()
    visitor.check("[data-photo=consent]")
    assert visitor.get_by_role("button", name="Create", exact=True).is_enabled()
    visitor.keyboard.press("Escape")
    assert visitor.locator("#demo-photo").is_hidden()
    visitor.get_by_role("button", name="Create from a photo").click()
    assert visitor.get_by_role("button", name="Create", exact=True).is_disabled()  # nothing is left of it


def grey_picture() -> bytes:
    """No face in it."""
    from io import BytesIO

    picture = BytesIO()
    Image.new("RGB", (400, 400), (120, 120, 120)).save(picture, "PNG")
    return picture.getvalue()


def test_a_lost_connection_comes_back_with_the_same_avatar(visitor: Page, house: Server) -> None:
    visitor.get_by_text("Theo", exact=True).click()
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
    wait_until_live(house, visitor, 1)


def test_the_way_to_speak_can_be_changed_during_a_visit(visitor: Page) -> None:
    visitor.get_by_role("tab", name="Text").click()
    visitor.click("button.main")
    visitor.wait_for_selector(LIVE, timeout=20_000)
    assert visitor.evaluate("window.probeAsked === undefined")
    visitor.get_by_role("tab", name="Microphone").click()
    visitor.wait_for_selector(".caption:is([data-word=Listening], [data-word=Speaking])")
    assert visitor.evaluate(LOUDNESS, 3) > 0.05  # the fake microphone speaks


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", ["idle", "live", "text", "photo"])
def test_everybody_can_use_the_page(browser: Browser, house: Server, scheme: str, state: str, tmp_path: Path) -> None:
    page = open_page(browser, house.url, color_scheme=scheme)
    if state == "live":
        start(page)
        page.click("summary")
    elif state == "text":
        page.get_by_role("tab", name="Text").click()
    elif state == "photo" and page.get_by_role("button", name="Create from a photo").is_enabled():
        page.get_by_role("button", name="Create from a photo").click()
    screenshot(page, f"axe-{state}-{scheme}", tmp_path)
    violations = [fault for fault in Axe().run(page).response["violations"] if fault["impact"] in ("serious", "critical")]
    assert not violations, [(fault["id"], [node["target"] for node in fault["nodes"]]) for fault in violations]
    page.close()


def test_tabs_and_avatars_are_chosen_with_the_keyboard(visitor: Page) -> None:
    visitor.focus("#demo-tab-microphone")
    visitor.keyboard.press("ArrowRight")
    assert visitor.get_by_role("tab", name="Audio file").get_attribute("aria-selected") == "true"
    assert visitor.locator("#demo-file").is_visible()
    visitor.focus(".card input:checked")
    visitor.keyboard.press("ArrowRight")
    visitor.wait_for_function("document.querySelector('h1').textContent !== 'Mara'")

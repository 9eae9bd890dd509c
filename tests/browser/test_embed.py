"""Avatars on pages of other sites, in a real Chromium: a script element, two of them, a phone, a strict policy, a frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Frame, Page, Playwright, Route

from bithuman_core.pcm import int16_to_float32
from bithuman_core.service.data.tables import Live
from bithuman_core.timing import SAMPLE_RATE
from bithuman_core.voice import TextToSpeech
from tests.browser.conftest import screenshot
from tests.browser.embedding import Service, Site, script_tag, serving, wait_for
from tests.browser.harness import chromium, write_microphone

pytestmark = pytest.mark.browser

GREETING, QUESTION = "Hello, I am Mara.", "When do you open?"
ANSWER = "We open at nine in the morning, and we close at five in the afternoon."
REQUESTS = 3  # threads that answered requests, and wait for the next ones; a connection has as many of its own
SCRIPT = f"""
greeting: {GREETING}
intents:
  - when: [open]
    say: {ANSWER}
otherwise: Pardon?
"""
PAGE = """<!doctype html><html lang="en"><head><title>Harbour House</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><h1>Harbour House</h1><p>A small hotel by the sea.</p>{}<p>Rooms from 90 a night.</p></body></html>"""
# Looks at the mouth of the picture, ten times a second; decoded pictures by the browser's own count.
WATCH = """async ([element, seconds]) => {
  const video = element.shadowRoot.querySelector("video"), { videoWidth: w, videoHeight: h } = video;
  const canvas = new OffscreenCanvas(48, 36).getContext("2d", { willReadFrequently: true });
  const count = () => video.getVideoPlaybackQuality().totalVideoFrames, rows = [], began = performance.now(), before = count();
  while (performance.now() - began < 1000 * seconds) {
    canvas.drawImage(video, 0.38 * w, 0.53 * h, 0.24 * w, 0.18 * h, 0, 0, 48, 36);
    rows.push([...canvas.getImageData(0, 0, 48, 36).data.filter((_, i) => i % 4 === 1)]);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { fps: (count() - before) / (performance.now() - began) * 1000, rows };
}"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("embed"), SCRIPT, "--embeds", "3") as made:
        yield made
        assert "Traceback" not in made.log.read_text()


@pytest.fixture(scope="module")
def site(service: Service) -> Iterator[Site]:
    made = Site()
    service.publish(made.origin)
    yield made
    made.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A visitor of sites; what their pages complain about fails the test."""
    made, said = browser.new_context(viewport={"width": 1000, "height": 760}), list[str]()
    made.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    made.on("weberror", lambda error: said.append(str(error.error)))
    yield made
    made.close()
    assert [line for line in said if "favicon" not in line and "404" not in line] == []


def start(page: Page | Frame, index: int = 0) -> Any:
    """Begin the visit of an avatar; returns its element."""
    element = page.locator("bithuman-avatar").nth(index)
    element.get_by_role("button", name="Start").click()
    page.locator("bithuman-avatar[data-state=live]").nth(index).wait_for(timeout=20_000)
    return element


def write(element: Any, text: str) -> None:
    """Write a line to an avatar."""
    element.get_by_label("Write to Mara").fill(text)
    element.get_by_label("Write to Mara").press("Enter")


def watched(page: Page | Frame, seconds: float, index: int = 0) -> tuple[float, float]:
    """(pictures a second, how much the mouth moves): the spread of its pictures, in grey levels."""
    element = page.locator("bithuman-avatar").nth(index).element_handle()
    found = page.evaluate(WATCH, [element, seconds])
    return found["fps"], float(np.array(found["rows"], float).std(axis=0).mean())


def talks(page: Page, quiet: float) -> float:
    """How much the mouth moves when it talks: by more than twice ``quiet``. A busy machine may let words wait for their sound."""
    moved = 0.0
    for _ in range(6):
        moved = watched(page, 1.5)[1]
        if moved > 2 * quiet:
            break
    return moved


def live_rows(service: Service) -> list[Live]:
    with service.database.reading() as session:
        return list(session.query(Live).filter(Live.ended_at.is_(None)))


def test_a_script_puts_an_avatar_on_a_site_that_talks_and_leaves_nothing(
    service: Service, site: Site, context: BrowserContext, tmp_path: Path
) -> None:
    page = context.new_page()
    page.goto(site.page(PAGE.format(script_tag(service))))
    page.get_by_role("button", name="Start").wait_for()
    page.wait_for_selector("bithuman-avatar >> text=Press Start and talk with Mara")
    assert page.locator("bithuman-avatar").bounding_box()["height"] > 300  # type: ignore[index]
    assert Axe().run(page, {"include": [["bithuman-avatar"]]}).response["violations"] == []
    screenshot(page, "embed-idle", tmp_path)
    element = start(page)
    page.wait_for_selector(f"bithuman-avatar >> text={GREETING}")
    wait_for(lambda: [(row.kind, row.origin) for row in live_rows(service)] == [("embed", site.origin)])
    quiet = min(watched(page, 1.5)[1] for _ in range(4))  # its greeting may not be over, and it nods now and then
    write(element, QUESTION)
    page.wait_for_selector(f"bithuman-avatar >> text={ANSWER}")
    talking, fps = talks(page, quiet), watched(page, 2)[0]
    screenshot(page, "embed-live", tmp_path)
    assert Axe().run(page, {"include": [["bithuman-avatar"]]}).response["violations"] == []
    told = service.api.post(f"/v1/agent/{service.agent}/speak", json={"message": "Lunch is ready on the terrace."})
    assert told.json()["delivered_to_rooms"] == 1
    page.wait_for_selector("bithuman-avatar >> text=Lunch is ready on the terrace.")
    sent = talks(page, quiet)
    print(f"{fps:.1f} pictures a second; the mouth moves by {talking:.1f} and {sent:.1f}, by {quiet:.1f} while it is quiet")
    assert 23.5 < fps < 26
    assert min(talking, sent) > 2 * quiet
    page.get_by_role("button", name="End", exact=True).click()
    page.wait_for_selector("bithuman-avatar[data-state=idle]")
    wait_for(lambda: service.figure('bithuman_sessions{kind="embed"}') == 0 and not live_rows(service))
    threads = service.threads
    for _ in range(3):
        start(page)
        page.get_by_role("button", name="End", exact=True).click()
        wait_for(lambda: service.figure('bithuman_sessions{kind="embed"}') == 0)
    wait_for(lambda: service.threads <= threads + REQUESTS, 20)


# The first connection's figures stand still from a moment on, as they do where its server has died.
DIES = """
window.calls = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...given) { super(...given); calls.push(this); }
  getStats(...given) { return window.dead && this === calls[0] ? Promise.resolve(new Map()) : super.getStats(...given); }
};
"""


def test_a_page_whose_server_dies_goes_on_with_its_visit(service: Service, site: Site, context: BrowserContext) -> None:
    page = context.new_page()

    def of_a_cluster(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        told["data"]["recovers"] = True
        route.fulfill(response=answer, json=told)

    page.route("**/v1/embed/sessions", of_a_cluster)
    page.add_init_script(DIES)
    page.goto(site.page(PAGE.format(script_tag(service))))
    element = start(page)
    page.wait_for_selector(f"bithuman-avatar >> text={GREETING}")
    write(element, QUESTION)
    page.wait_for_selector(f"bithuman-avatar >> text={ANSWER}")
    wait_for(lambda: len(live_rows(service)) == 1)
    (before,) = live_rows(service)
    page.evaluate("dead = true")
    page.wait_for_function("calls.length === 2 && calls[1].connectionState === 'connected'", timeout=15_000)
    page.locator("bithuman-avatar[data-state=live]").wait_for(timeout=15_000)
    wait_for(lambda: [row.id for row in live_rows(service)] == [before.id])
    assert service.figure('bithuman_sessions{kind="embed"}') == 1, "the first connection has given its place to the second one"
    assert watched(page, 2)[0] > 20
    assert page.evaluate("calls.length") == 2
    write(element, "Well?")
    page.wait_for_selector("bithuman-avatar >> text=Pardon?")
    page.get_by_role("button", name="End", exact=True).click()
    wait_for(lambda: not live_rows(service))


def test_two_on_one_page_go_their_own_ways(service: Service, site: Site, context: BrowserContext, tmp_path: Path) -> None:
    page = context.new_page()
    both = f"<div style='display: flex; gap: 1rem'><div id='a'></div><div id='b'></div></div>{script_tag(service, target='#a')}"
    page.goto(site.page(PAGE.format(both + script_tag(service, target="#b", theme="dark"))))
    first, second = start(page, 0), start(page, 1)
    write(second, QUESTION)
    second.get_by_text(ANSWER).wait_for()
    screenshot(page, "embed-two", tmp_path)
    assert first.get_by_text(ANSWER).count() == 0
    first.get_by_role("button", name="End", exact=True).click()
    wait_for(lambda: len(live_rows(service)) == 1)
    assert watched(page, 1, 1)[0] > 20
    page.evaluate("() => document.querySelector('#b bithuman-avatar').remove()")  # as a site does that changes its page
    wait_for(lambda: not live_rows(service))


def test_on_a_phone(service: Service, site: Site, browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, device_scale_factor=2, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(site.page(PAGE.format(script_tag(service))))
    element = start(page)
    write(element, QUESTION)
    element.get_by_text(ANSWER).wait_for()
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
    for button in element.locator("button:visible, input:visible").all():
        box = button.bounding_box()
        assert box is not None and min(box["width"], box["height"]) >= 36, "fingers find it"
    screenshot(page, "embed-phone", tmp_path)
    element.get_by_role("button", name="Mute").tap()
    assert element.get_by_role("button", name="Unmute").get_attribute("aria-pressed") == "true"
    context.close()
    wait_for(lambda: not live_rows(service))


def test_by_microphone(playwright: Playwright, service: Service, site: Site, tmp_path: Path) -> None:
    """A click opens it until the next one; held down, what is said meanwhile is answered when it is let go."""
    speech = TextToSpeech()
    speech.look()
    quiet = np.zeros(int(1.5 * SAMPLE_RATE), np.float32)
    write_microphone(tmp_path / "asks.wav", np.concatenate([quiet, int16_to_float32(speech.speak(QUESTION)), quiet]), SAMPLE_RATE)
    with chromium(playwright, tmp_path / "asks.wav") as browser:
        page = browser.new_page(viewport={"width": 460, "height": 760})
        page.goto(site.page(PAGE.format(script_tag(service))) + "?echo=off")
        element = start(page)
        element.get_by_text(GREETING).wait_for()
        talk = element.get_by_role("button", name="Talk")
        talk.click()
        assert element.get_by_role("button", name="Close the microphone").get_attribute("aria-pressed") == "true"
        page.wait_for_timeout(300)
        screenshot(page, "embed-microphone", tmp_path)
        element.get_by_text(ANSWER).wait_for()
        element.get_by_role("button", name="Close the microphone").click()
        element.locator("[data-turn=listening]").wait_for()  # cut off unheard, it would be answered with the next line
        write(element, "Something else.")
        element.get_by_text("Pardon?").wait_for()
        talk.hover()
        page.mouse.down()
        page.wait_for_timeout(1000 * 6)
        assert element.get_by_text(ANSWER).count() == 0, "not before it is let go"
        page.mouse.up()
        element.get_by_text(ANSWER).wait_for()
    wait_for(lambda: not live_rows(service), 20)


def test_with_the_strictest_policy_that_the_documents_name(service: Service, site: Site, context: BrowserContext) -> None:
    policy = f"default-src 'none'; script-src {service.url}; connect-src {service.url}; require-trusted-types-for 'script'"
    page = context.new_page()
    page.goto(site.page(PAGE.format(script_tag(service, token=service.token(site.origin))), policy))
    element = start(page)
    element.get_by_text(GREETING).wait_for()
    assert element.locator(".card").evaluate("(card) => getComputedStyle(card).borderRadius") != "0px", "it has its looks"
    element.get_by_role("button", name="End", exact=True).click()


def test_in_a_frame_with_a_token_of_the_site(service: Service, context: BrowserContext, tmp_path: Path) -> None:
    site = Site()  # for which it is not published
    token = site.page(f'{{"token": "{service.token(site.origin)}"}}')
    policy = f"default-src 'none'; script-src {service.url}; frame-src {service.url}; connect-src 'self'"
    page = context.new_page()
    page.goto(site.page(PAGE.format(script_tag(service, frame="", token_url=token)), policy))
    page.frame_locator("iframe").get_by_role("button", name="Start").wait_for()
    frame = next(frame for frame in page.frames if frame.parent_frame)
    start(frame)
    frame.locator("bithuman-avatar").get_by_text(GREETING).wait_for()
    screenshot(page, "embed-frame", tmp_path)
    heights = [page.locator("iframe").bounding_box(), frame.locator("bithuman-avatar").bounding_box()]
    assert abs(heights[0]["height"] - heights[1]["height"]) < 4, "the frame is as high as what is in it"  # type: ignore[index]
    wait_for(lambda: [row.origin for row in live_rows(service)] == [site.origin])
    page.goto("about:blank")
    wait_for(lambda: not live_rows(service), 20)
    site.close()


def test_a_bare_frame_is_shown_by_sites_that_it_is_published_for(
    service: Service, site: Site, context: BrowserContext
) -> None:
    other = Site()
    frame = f'<iframe src="{service.url}/embed/{service.agent}" title="Mara" height="480" allow="microphone"></iframe>'
    policy = f"default-src 'none'; frame-src {service.url}"
    page = context.new_page()
    page.goto(site.page(PAGE.format(frame), policy))
    page.frame_locator("iframe").get_by_role("button", name="Start").wait_for()
    stranger = context.browser.new_page()  # type: ignore[union-attr]  # whose console may complain
    stranger.goto(other.page(PAGE.format(frame), policy))
    stranger.wait_for_timeout(1500)
    assert stranger.frame_locator("iframe").get_by_role("button", name="Start").count() == 0
    stranger.close()
    other.close()


def test_a_site_that_it_is_not_published_for_reads_why(service: Service, browser: Browser, tmp_path: Path) -> None:
    site, page = Site(), browser.new_page(viewport={"width": 390, "height": 700})
    page.goto(site.page(PAGE.format(script_tag(service))))
    page.wait_for_selector("bithuman-avatar >> text=not published here")
    screenshot(page, "embed-refused", tmp_path)
    page.close()
    site.close()

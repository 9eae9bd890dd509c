"""Somebody talks with the avatar, in a real Chromium with a microphone: answers are heard, in order, and stand on the page."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, Playwright

from bithuman_core.conversation.talk import AT_A_LOSS
from bithuman_core.pcm import int16_to_float32
from bithuman_core.timing import SAMPLE_RATE
from bithuman_core.voice import TextToSpeech
from tests.browser.conftest import screenshot
from tests.browser.harness import ROOT, Server, chromium, open_page, start, status, write_microphone
from tests.browser.test_journeys import LOUDNESS, open_words
from tests.conversation.test_chat_address import KEY, Service, call, words
from tests.voice.test_address import listening

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(sys.platform != "linux", reason="the ears of the tests come for Linux alone"),
]

QUESTION = "When do you open?"
ANSWER = "We open at nine in the morning."
GREETING = "Welcome."
SCRIPT = f"""
greeting: {GREETING}
intents:
  - when: [open]
    say: {ANSWER}
    gesture: nod
  - when: [close]
    say: We close at five.
otherwise: Pardon?
"""
BEFORE, AFTER = 4.0, 9.0  # s of silence in the microphone before and after the question: it plays in a loop


@pytest.fixture(scope="module")
def kiosk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("talk")
    script = folder / "kiosk.yaml"
    script.write_text(SCRIPT)
    command = ("app.py", "--max-visitors", "1", "--avatar", "mara")
    with Server(folder / "log.txt", *command, BITHUMAN_SCRIPT=str(script), PYTHONPATH=str(ROOT)) as server:
        yield server
        assert "Traceback" not in server.log.read_text()


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A microphone that asks the question again and again."""
    speech = TextToSpeech()
    speech.look()
    pieces = np.zeros(int(BEFORE * SAMPLE_RATE)), int16_to_float32(speech.speak(QUESTION)), np.zeros(int(AFTER * SAMPLE_RATE))
    path = tmp_path_factory.mktemp("asking") / "question.wav"
    write_microphone(path, np.concatenate(pieces), SAMPLE_RATE)
    return path


TURNS = (
    ("When can I check in?", "You can check in from two in the afternoon."),
    ("When is breakfast?", "Breakfast is from seven to ten, on the first floor."),
    ("Where can I park my car?", "You can park behind the house. It is free."),
    ("Do you have a swimming pool?", "The pool is open all day, and it is warm."),
    ("May I bring my dog?", "Dogs are welcome. Please tell us before you come."),
    ("Where can I eat dinner?", "Dinner is served from six. Try the fish."),
    ("How do I get to the airport?", "I will call a taxi for you."),
    ("How far is the train station?", "The station is five minutes away on foot."),
    ("When do I have to leave?", "Please leave your room by eleven in the morning."),
    ("Thank you very much.", "You are very welcome."),
)
FIRST, BETWEEN = 6.0, 6.5  # s of silence before the first question (the greeting) and after each (its answer)


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A microphone into which ten questions are spoken, one after the other, and then nothing for minutes."""
    speech = TextToSpeech()
    speech.look()
    quiet = np.zeros(int(BETWEEN * SAMPLE_RATE))
    spoken = [piece for question, _ in TURNS for piece in (int16_to_float32(speech.speak(question)), quiet)]
    path = tmp_path_factory.mktemp("guest") / "guest.wav"
    silence = np.zeros(int(FIRST * SAMPLE_RATE)), np.zeros(120 * SAMPLE_RATE)
    write_microphone(path, np.concatenate([silence[0], *spoken, silence[1]]), SAMPLE_RATE)
    return path


def test_ten_turns_with_the_receptionist(playwright: Playwright, guest: Path, tmp_path: Path) -> None:
    command = ("-m", "examples.receptionist", "--max-visitors", "1", "--avatar", "mara")
    with Server(tmp_path / "log.txt", *command) as server, chromium(playwright, guest) as browser:
        page = open_page(browser, server.url)
        open_words(page, "Talk")
        start(page)
        for _, answer in TURNS:
            wait_for_words(page, answer.split(".")[0])
            assert page.evaluate(LOUDNESS, 1.5) > 0.05
        screenshot(page, "ten-turns", tmp_path)
        wait_for_words(page, TURNS[-1][1])
        greeting, *lines = said(page)
        page.close()
    assert greeting == "Welcome to the Harbour House. How can I help you?"
    heard, answers = lines[::2], lines[1::2]
    assert answers == [answer for _, answer in TURNS]
    assert [line.lower() for line in heard] == [question.lower() for question, _ in TURNS]
    assert "Traceback" not in server.log.read_text()


def test_push_to_talk(visitor: Page, tmp_path: Path) -> None:
    """What is said while the button is up is not heard."""
    start(visitor)
    visitor.click("#talk-turns button")
    visitor.check("#talk-by-key input")
    button = visitor.locator("#talk-hold")
    button.wait_for(state="visible")
    screenshot(visitor, "push-to-talk", tmp_path)
    visitor.wait_for_timeout(1000 * (BEFORE + 4))  # a question passes
    assert QUESTION.lower() not in [line.lower() for line in said(visitor)]
    button.dispatch_event("pointerdown")
    visitor.wait_for_timeout(1000 * (BEFORE + AFTER + 3))  # another one, whole: the microphone plays it in a loop
    button.dispatch_event("pointerup")
    wait_for_words(visitor, ANSWER)


@pytest.fixture
def visitor(playwright: Playwright, kiosk: Server, asking: Path) -> Iterator[Page]:
    with chromium(playwright, asking) as browser:
        page = open_page(browser, kiosk.url)
        open_words(page, "Talk")
        yield page
        page.close()


def said(page: Page) -> list[str]:
    """What stands on the page, from the oldest to the newest."""
    lines = page.locator("#talk-said [data-testid=user], #talk-said [data-testid=bot]")
    return [text.strip() for text in lines.all_inner_texts()]


def wait_for_words(page: Page, words: str) -> None:
    page.wait_for_function(
        "(words) => document.querySelector('#talk-said').textContent.includes(words)", arg=words, timeout=40_000
    )


def write(page: Page, text: str) -> None:
    page.fill("#talk-words textarea, #talk-words input", text)
    page.keyboard.press("Enter")


def test_a_question_into_the_microphone_is_answered(visitor: Page, tmp_path: Path) -> None:
    start(visitor)
    wait_for_words(visitor, GREETING)
    wait_for_words(visitor, ANSWER)
    assert visitor.evaluate(LOUDNESS, 1.5) > 0.05
    screenshot(visitor, "talk", tmp_path)
    lines = said(visitor)
    assert lines[0] == GREETING and "open" in lines[1].lower() and lines[2] == ANSWER


def test_typed_words_are_answered_and_an_answer_can_be_stopped(visitor: Page) -> None:
    visitor.fill("#talk-words textarea, #talk-words input", "When do you close?")
    visitor.keyboard.press("Enter")
    visitor.wait_for_selector(".toast-body .toast-text")
    assert "press Start first" in visitor.inner_text(".toast-body .toast-text")
    start(visitor)
    wait_for_words(visitor, GREETING)
    visitor.fill("#talk-words textarea, #talk-words input", "When do you close?")
    visitor.keyboard.press("Enter")
    wait_for_words(visitor, "We close at five.")
    visitor.click("#talk-stop")
    visitor.click("#talk-said button[title=Clear], #talk-said button[aria-label=Clear]")
    visitor.wait_for_function("!document.querySelector('#talk-said').textContent.includes('Welcome')")
    write(visitor, "When do you close?")
    wait_for_words(visitor, "We close at five.")
    assert GREETING not in said(visitor)  # which is not told again, nor remembered
    visitor.wait_for_selector(".caption[data-word=Ready], avatar-stage[data-state=live]")
    assert "stumbled" not in status(visitor)


def test_on_a_slow_line_nothing_that_is_said_is_missing(playwright: Playwright, kiosk: Server) -> None:
    """The page asks for the lines at each one; the next one is said long before its answer is there."""
    with chromium(playwright, None, allow=False) as browser:
        page = open_page(browser, kiosk.url)
        open_words(page, "Talk")
        start(page)
        wait_for_words(page, GREETING)
        line = page.context.new_cdp_session(page)
        line.send("Network.enable")
        slow = {"offline": False, "latency": 1500, "downloadThroughput": -1, "uploadThroughput": -1}  # ms; no limit
        line.send("Network.emulateNetworkConditions", slow)
        write(page, "When do you close?")
        wait_for_words(page, "We close at five.")
        page.close()


def test_who_gives_no_microphone_is_told_and_answered_in_writing(playwright: Playwright, kiosk: Server) -> None:
    with chromium(playwright, None, allow=False) as browser:
        page = open_page(browser, kiosk.url)
        open_words(page, "Talk")
        page.wait_for_function("document.querySelector('avatar-stage .status').textContent.includes('or write')")
        start(page)
        assert "microphone" in status(page).lower()
        wait_for_words(page, GREETING)
        page.fill("#talk-words textarea, #talk-words input", "When do you close?")
        page.keyboard.press("Enter")
        wait_for_words(page, "We close at five.")
        page.close()


def test_a_model_answers_and_where_it_fails_the_page_and_the_avatar_say_so(playwright: Playwright, tmp_path: Path) -> None:
    service = Service()
    service.answers = [[*call("emotion", '{"name": "joy"}'), *words("I am a model. ", "Ask me more.")]]
    with listening(service.app) as url, chromium(playwright, None) as browser:
        command = ("app.py", "--max-visitors", "1", "--avatar", "mara")
        log, told = tmp_path / "log.txt", "You are Ada."
        with Server(log, *command, BITHUMAN_LLM_URL=url, BITHUMAN_LLM_KEY=KEY, BITHUMAN_PERSONA=told) as server:
            page = open_page(browser, server.url)
            open_words(page, "Talk")
            start(page)
            write(page, "Who are you?")
            wait_for_words(page, "I am a model. Ask me more.")
            assert service.requests[0]["messages"][0]["content"].startswith("You are Ada.")
            service.status = 401
            write(page, "Go on.")
            wait_for_words(page, AT_A_LOSS)
            assert "does not take the key" in page.inner_text("avatar-stage")
            assert page.evaluate(LOUDNESS, 1.5) > 0.05
            service.status, service.answers = 200, [words("Here I am again.")]
            write(page, "And now?")
            wait_for_words(page, "Here I am again.")
            assert KEY not in page.content()
            page.close()
        assert KEY not in server.log.read_text() and "Traceback" not in server.log.read_text()

"""Somebody talks with the avatar, in a real Chromium with a microphone: answers are heard, in order, and stand on the page."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, Playwright

from bithuman_core.pcm import int16_to_float32
from bithuman_core.timing import SAMPLE_RATE
from bithuman_core.voice import TextToSpeech
from tests.browser.conftest import screenshot
from tests.browser.harness import ROOT, Server, chromium, open_page, start, status, write_microphone
from tests.browser.test_journeys import LOUDNESS, open_words

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
    visitor.wait_for_selector(".caption[data-word=Ready], avatar-stage[data-state=live]")
    assert "stumbled" not in status(visitor)

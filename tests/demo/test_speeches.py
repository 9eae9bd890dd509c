"""Texts that are spoken: at low priority, two at a time, beside the event loop, and none that would go on for minutes."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from bithuman_core import voice
from bithuman_core.demo.actions import clip_of_text, spoken_length
from bithuman_core.demo.context import DemoContext
from bithuman_core.demo.gallery import Gallery
from bithuman_core.demo.jobs import VOICES
from bithuman_core.demo.limits import Limits
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.server import make_context
from bithuman_core.errors import AudioError
from bithuman_core.low_priority import NICENESS
from bithuman_core.voice import voices

OFFICE, HOME = "203.0.113.7", "198.51.100.9"


class Held:
    """A voice that speaks when it is let, and remembers how it was asked to."""

    def __init__(self) -> None:
        self.go_on, self.at_once, self.most = threading.Event(), 0, 0
        self.niceness, self.threads = set[int](), set[int]()
        self._lock = threading.Lock()

    def speak(self, *_: Any) -> Any:
        with self._lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            self.niceness.add(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
            self.threads.add(threading.get_ident())
        self.go_on.wait()
        with self._lock:
            self.at_once -= 1
        return np.zeros(160, np.int16)


@pytest.fixture
async def context(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DemoContext]:
    context = make_context(gallery, places=1, limits=Limits(speeches=6, speeches_each=4))
    monkeypatch.setattr(context.speech, "speak", Held().speak)
    yield context
    context.jobs.close()


def say(context: DemoContext, address: str | None) -> asyncio.Task[Any]:
    return asyncio.create_task(clip_of_text(context, "Hello.", "en-us", "woman", address))


async def test_texts_are_spoken_two_at_a_time_niced_and_not_on_the_event_loop(context: DemoContext) -> None:
    held: Held = context.speech.speak.__self__  # type: ignore[attr-defined]
    saying = [say(context, OFFICE) for _ in range(4)]
    while held.at_once < VOICES:
        await asyncio.sleep(0)  # the loop goes on meanwhile
    held.go_on.set()
    await asyncio.gather(*saying)
    assert held.most == VOICES and min(held.niceness) >= NICENESS and threading.get_ident() not in held.threads


async def test_who_has_too_many_texts_under_way_waits_and_nobody_else(context: DemoContext) -> None:
    held: Held = context.speech.speak.__self__  # type: ignore[attr-defined]
    saying = [say(context, OFFICE) for _ in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(Refusal) as mine:
        await say(context, OFFICE)
    saying += [say(context, HOME) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Refusal) as everybodys:
        await say(context, HOME)
    assert (mine.value.status, everybodys.value.status) == (429, 503)
    held.go_on.set()
    await asyncio.gather(*saying)
    assert context.speeches.taken == 0


@pytest.mark.parametrize(
    ("text", "length"), [("Hello, you.", 11), ("你好", 6), ("１", 3), ("42", 6), ("naïve Здравствуй", 16), ("😀", 3)]
)
def test_what_takes_long_to_say_counts_for_more(text: str, length: int) -> None:
    assert spoken_length(text) == length


async def test_six_hundred_chinese_characters_are_refused_before_they_are_spoken(context: DemoContext) -> None:
    with pytest.raises(Refusal, match="count as 1800"):
        await clip_of_text(context, "你" * 600, "cmn", "woman", OFFICE)


def test_a_text_that_turns_out_too_long_gets_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    speech = voice.TextToSpeech()
    speech.voices = (voice.Voice("en-us", "English"),)
    monkeypatch.setattr(voices, "_run", lambda *_: (0, b"16000\n" + np.full(16000 * 3, 999, np.int16).tobytes()))
    assert speech.speak("One.", "en-us", "woman", longest=4).size == 48000
    with pytest.raises(AudioError, match="3 s to say, and 2 s"):
        speech.speak("One.", "en-us", "woman", longest=2)

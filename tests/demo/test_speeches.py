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
from bithuman_core.demo.actions import clip_of_text, growing_clip_of_text, spoken_length
from bithuman_core.demo.context import DemoContext
from bithuman_core.demo.gallery import Gallery
from bithuman_core.demo.jobs import VOICES
from bithuman_core.demo.limits import Limits
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.server import make_context
from bithuman_core.errors import AudioError
from bithuman_core.fastrtc.clip_queue import ClipQueue
from bithuman_core.low_priority import NICENESS
from bithuman_core.voice import espeak

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
    monkeypatch.setattr(espeak, "names", lambda: {"en-us": "English"})
    monkeypatch.setattr(espeak, "_run", lambda *_: (0, b"16000\n" + np.full(16000 * 3, 999, np.int16).tobytes()))
    speech.look()
    assert speech.speak("One.", "en-us", "woman", longest=4).size == 48000
    with pytest.raises(AudioError, match="3 s to say, and 2 s"):
        speech.speak("One.", "en-us", "woman", longest=2)


class Slow:
    """A voice whose second sentence waits until it is let."""

    def __init__(self, error: Exception | None = None) -> None:
        self.go_on, self.error = threading.Event(), error

    def stream(self, *_: Any) -> Any:
        yield np.full(1000, 1, np.int16)
        self.go_on.wait()
        if self.error:
            raise self.error
        yield np.full(1000, 2, np.int16)


@pytest.mark.parametrize("error", [None, AudioError("The voice is gone.")])
async def test_a_text_is_spoken_while_its_second_sentence_is_still_made(
    context: DemoContext, monkeypatch: pytest.MonkeyPatch, error: Exception | None
) -> None:
    voice = Slow(error)
    monkeypatch.setattr(context.speech, "stream", voice.stream)
    clip = await growing_clip_of_text(context, "One. Two.", "", "woman", OFFICE)
    assert clip.samples.size == 1000 and not clip.sound.whole
    queue = ClipQueue()
    queue.play(clip)
    taken = [queue.take() for _ in range(3)]
    assert [int(tick.max()) for tick in taken if tick is not None] == [1, 0, 0]  # it waits, and stays
    voice.go_on.set()
    while not clip.sound.whole:
        await asyncio.sleep(0)
    rest = []
    while (tick := queue.take()) is not None:
        rest.append(tick)
    spoken = np.concatenate([taken[0], *rest])  # type: ignore[list-item]
    assert np.array_equal(spoken[: clip.samples.size], clip.samples) and clip.samples.size == (1000 if error else 2000)
    assert context.speeches.taken == 0


async def test_a_text_whose_first_sentence_fails_is_refused(context: DemoContext, monkeypatch: pytest.MonkeyPatch) -> None:
    def stream(*_: Any) -> Any:
        raise AudioError("That text makes no sound.")
        yield

    monkeypatch.setattr(context.speech, "stream", stream)
    with pytest.raises(AudioError, match="no sound"):
        await growing_clip_of_text(context, "One.", "", "woman", OFFICE)
    assert context.speeches.taken == 0

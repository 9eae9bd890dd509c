"""A talk in a live session: what the visitor says is answered and not repeated, to the sample; speaking into it ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bithuman_core.conversation import Act, Line
from bithuman_core.ears import TurnDetector
from bithuman_core.fastrtc.talking import LiveTalk
from bithuman_core.timing import SAMPLES_PER_TICK
from bithuman_core.types import Emotion
from tests.conversation.test_realtime import BEGAN as STARTED
from tests.conversation.test_realtime import HEARD, Service, answer, listening, until
from tests.conversation.test_talk import Brain, Ears
from tests.fastrtc.test_live_session import Counting, Visit

ANSWER = 3000  # int16 level of the avatar's voice, and of the visitor's:
VISITOR = 9000


class Voice:
    """A fifth of a second a sentence, exactly five ticks."""

    def stream(self, text: str) -> Iterator[NDArray[np.int16]]:
        yield np.full(5 * SAMPLES_PER_TICK, ANSWER, np.int16)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


async def at_once(blocking: Callable[[], Any]) -> Any:
    return blocking()


def talking(visit: Visit, brain: Brain, *heard: str) -> tuple[LiveTalk, list[Emotion]]:
    felt: list[Emotion] = []
    turns = TurnDetector(lambda window: float(window[0] == VISITOR))
    return LiveTalk(visit.live, brain, Voice(), Ears(*heard), turns, at_once, felt.append), felt


async def heard_by_engine(visit: Visit) -> NDArray[np.int16]:
    assert isinstance(visit.live.engine, Counting)
    ticks = [tick for tick in visit.live.engine.heard if tick is not None]
    return np.concatenate(ticks) if ticks else np.zeros(0, np.int16)


async def test_a_question_is_answered_and_never_repeated(pool: ThreadPoolExecutor) -> None:
    visit = Visit(pool, Counting)
    talk, felt = talking(visit, Brain(Act("emotion", "joy"), "One. Two."), "How many?")
    await visit.watch(15, level=VISITOR)
    await visit.watch(40, level=0)
    heard = await heard_by_engine(visit)
    assert (heard == ANSWER).sum() == 10 * SAMPLES_PER_TICK and not (heard == VISITOR).any()
    assert felt == [Emotion.JOY]
    assert talk.talk.history.lines == [Line("user", "How many?"), Line("avatar", "One. Two.")]
    told = [data for kind, data in visit.said if kind == "talk"]
    assert {"user": "How many?"} in told and told[-1] == {"state": "listening"}


async def test_speaking_into_an_answer_ends_it_within_a_tick_of_being_noticed(pool: ThreadPoolExecutor) -> None:
    visit = Visit(pool, Counting)
    talk, _ = talking(visit, Brain(*["A sentence. "] * 40), "Go.", "Stop.")
    talk.talk.read("Talk.")
    await visit.watch(20)
    assert talk.talk.state == "speaking"
    seen = await visit.watch(10, level=VISITOR)
    assert talk.talk.state == "hearing"
    assert not any(voice.any() for _, voice in seen[6:])  # 4 ticks until it is speech for sure, then at once
    kept = talk.talk.history.lines[-1]
    assert kept.who == "avatar" and kept.text.endswith("—") and len(kept.text) < 100


async def test_a_microphone_that_is_closed_in_the_middle_of_a_word_ends_the_turn(pool: ThreadPoolExecutor) -> None:
    visit = Visit(pool, Counting)
    talk, _ = talking(visit, Brain("One."), "How many?")
    await visit.watch(15, level=VISITOR)
    assert talk.talk.state == "hearing"
    await visit.watch(50, level=None)
    assert talk.talk.history.lines == [Line("user", "How many?"), Line("avatar", "One.")]


async def test_an_answer_by_the_realtime_api_is_spoken_in_the_session(pool: ThreadPoolExecutor) -> None:
    visit, service = Visit(pool, Counting), Service()
    async with listening(service) as brain:
        talk = LiveTalk(visit.live, brain, Voice(), None, None, at_once, lambda emotion: None)
        await until(lambda: service.of("session.update"))
        await service.say(STARTED, HEARD, *answer())
        await until(lambda: talk.talk.state == "speaking" and len(talk.talk.history.lines) == 1)
        await visit.watch(40)
        heard = await heard_by_engine(visit)
        assert abs((np.abs(heard) > 2900).sum() - 16000) < 100  # a second
        assert talk.talk.history.lines == [Line("user", "What time is it?"), Line("avatar", "It is nine. Come in!")]
        assert talk.talk.state == "listening"
        await talk.end()


async def test_after_its_end_the_avatar_repeats_again(pool: ThreadPoolExecutor) -> None:
    visit = Visit(pool, Counting)
    talk, _ = talking(visit, Brain("One."))
    await talk.end()
    seen = await visit.watch(12, level=VISITOR)
    assert (seen[-1][1] == VISITOR).all() and visit.live.listener is None
    await asyncio.sleep(0)

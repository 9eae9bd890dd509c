"""The avatar of one connection without a network: what is spoken, what is seen with it, and what breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest
from fastrtc import CloseStream
from numpy.typing import NDArray

from bithuman_core.audio import StreamResampler
from bithuman_core.engine import EngineTick, Fixture
from bithuman_core.fastrtc.avatar_engine import AvatarEngine, AvatarState
from bithuman_core.fastrtc.reply.face_session import ABANDONED_SECONDS, FaceSession
from bithuman_core.fastrtc.reply.speech_queue import SpeechTick
from bithuman_core.timing import LOOKAHEAD_TICKS
from tests.simulated import SimulatedClock

RATE = 24_000
TICK = RATE // 25
Seen = list[tuple[NDArray[np.uint8], SpeechTick]]


class Watched(AvatarEngine):
    """Remembers what it showed: the sound of every picture. Its step number ``breaks`` fails."""

    def __init__(self, fixture: Fixture, breaks: int = 0) -> None:
        super().__init__(AvatarState(fixture))
        self.shown: list[NDArray[np.int16] | None] = []
        self.breaks = breaks

    def step(self, samples: NDArray[np.int16] | None) -> EngineTick:
        if len(self.shown) + 1 == self.breaks:
            raise ZeroDivisionError("a fault inside the engine")
        tick = super().step(samples)
        self.shown.append(tick.audio)
        return tick


class Visit:
    """A session, its engines, and what leaves it."""

    def __init__(self, make: Callable[[], Watched]) -> None:
        self.engines: list[Watched] = []
        self.drops = 0
        self.session = FaceSession(lambda: self._keep(make()), RATE, SimulatedClock(), self._drop)
        self.task = asyncio.create_task(self.session.run())

    def _keep(self, engine: Watched) -> Watched:
        self.engines.append(engine)
        return engine

    def _drop(self) -> None:
        self.drops += 1

    async def watch(self, ticks: int) -> Seen:
        seen: Seen = []
        for _ in range(ticks):
            self.session.stay()
            seen.append(await asyncio.gather(self.session.pictures.get(), self.session.voices.get()))
        return seen


@pytest.fixture
async def visit(fixture: Fixture) -> AsyncIterator[Callable[[Callable[[], Watched]], Visit]]:
    visits: list[Visit] = []

    def begin(make: Callable[[], Watched] = lambda: Watched(fixture)) -> Visit:
        visits.append(Visit(make))
        return visits[-1]

    yield begin
    for each in visits:
        each.task.cancel()
        each.session.close()


def heard(seen: Seen) -> NDArray[np.int16]:
    return np.concatenate([tick.samples for _, tick in seen])


def moved(seen: Seen) -> NDArray[np.float64]:
    """How much the lower half of the picture changes from tick to tick, grey levels."""
    pictures = np.stack([picture[256:].astype(np.int16) for picture, _ in seen])
    return np.abs(np.diff(pictures, axis=0)).mean((1, 2, 3))


@pytest.fixture
def said(speech: NDArray[np.int16]) -> NDArray[np.int16]:
    """Two seconds of speech at 24 kHz."""
    return StreamResampler(16_000, RATE).push(speech[16_000:48_000])


async def test_the_voice_is_what_was_said_to_the_sample_and_the_lips_move_with_it(
    visit: Callable[[], Visit], said: NDArray[np.int16]
) -> None:
    guest = visit()
    idle = await guest.watch(20)
    guest.session.speech.push(RATE, said)
    guest.session.speech.flush()
    seen = await guest.watch(70)
    voice = heard(seen)
    begin = int(np.flatnonzero(voice)[0]) // TICK * TICK
    assert np.array_equal(voice[begin : begin + said.size], said)
    assert not voice[begin + said.size :].any()
    assert not heard(idle).any()
    speaking = moved(seen)[begin // TICK :][:40]
    assert np.median(speaking) > 3 * np.median(moved(idle))


async def test_the_engine_shows_the_sound_that_leaves_with_its_picture(
    visit: Callable[[], Visit], said: NDArray[np.int16]
) -> None:
    guest = visit()
    await guest.watch(5)
    guest.session.speech.push(RATE, said)
    seen = await guest.watch(30)
    shown = guest.engines[0].shown
    loud = [tick.samples.any() for _, tick in seen]
    # the session may be a tick ahead of what has been taken
    offsets = [
        offset for offset in range(3)
        if [s is not None and s.any() for s in shown[len(shown) - 30 - offset : len(shown) - offset]] == loud
    ]  # fmt: skip
    assert offsets and loud[-1] and not loud[0]


async def test_an_interruption_is_heard_at_once_and_nothing_stale_after_it(
    visit: Callable[[], Visit], said: NDArray[np.int16]
) -> None:
    guest = visit()
    await guest.watch(5)
    guest.session.speech.push(RATE, said)
    before = await guest.watch(20)
    assert before[-1][1].samples.any()
    drops = guest.drops
    guest.session.hush()
    answer = np.full(4 * TICK, 77, np.int16)
    guest.session.speech.push(RATE, answer)
    guest.session.speech.flush()
    voice = heard(await guest.watch(12))
    assert guest.drops == drops + 1
    assert np.array_equal(voice[voice != 0], answer)
    assert not voice[: (LOOKAHEAD_TICKS - 1) * TICK].any()
    assert len(guest.engines) == 1


async def test_a_broken_engine_costs_pictures_and_no_word(
    visit: Callable[..., Visit], said: NDArray[np.int16], fixture: Fixture, caplog: pytest.LogCaptureFixture
) -> None:
    made: list[Watched] = []

    def make() -> Watched:
        made.append(Watched(fixture, breaks=20 if not made else 0))
        return made[-1]

    guest = visit(make)
    await guest.watch(3)
    guest.session.speech.push(RATE, said)
    guest.session.speech.flush()
    voice = heard(await guest.watch(60))
    begin = int(np.flatnonzero(voice)[0]) // TICK * TICK
    assert np.array_equal(voice[begin : begin + said.size], said)
    assert len(made) == 2
    assert len(caplog.records) == 1


async def test_the_stream_ends_with_the_picture_of_its_last_word(visit: Callable[[], Visit]) -> None:
    guest, close = visit(), CloseStream("bye")
    await guest.watch(5)
    guest.session.speech.push(RATE, np.full(3 * TICK, 77, np.int16))
    guest.session.speech.close(close)
    seen = [tick for _, tick in await guest.watch(12)]
    end = next(index for index, tick in enumerate(seen) if tick.close is close)
    assert seen[end - 1].samples.all() and not seen[end].samples.any()


async def test_a_session_ends_when_nobody_asks_any_more(visit: Callable[[], Visit]) -> None:
    guest = visit()
    await guest.watch(5)
    left = guest.session._clock.now()
    await guest.task
    assert guest.session._clock.now() - left == pytest.approx(ABANDONED_SECONDS, abs=0.2)

"""A live session without a network: what goes out, when, and what happens when something breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bithuman_core.audio.sound import Sound
from bithuman_core.clock import Pacer
from bithuman_core.fastrtc.clip_queue import Clip
from bithuman_core.fastrtc.live_session import (
    DEAF_SECONDS,
    GAVE_UP,
    MAX_FAILURES,
    TIME_UP,
    WARNING_SECONDS,
    LiveSession,
    SharedResources,
)
from bithuman_core.fastrtc.media.lip_sync_delay import (
    LAG_SECONDS,
    VOICE_RATE,
    VOICE_SAMPLES_PER_TICK,
    LipSyncDelay,
    UpsampledVoice,
)
from bithuman_core.fastrtc.media.phases import free_phase
from bithuman_core.fastrtc.media.resync import CALM_TICKS, START_TICKS, VoiceResync
from bithuman_core.fastrtc.media.send_queue import CAPACITY, SendQueue
from bithuman_core.timing import FPS, SAMPLE_RATE, SAMPLES_PER_TICK, TICK_SECONDS
from tests.simulated import SimulatedClock


@dataclass
class Made:
    frame: NDArray[np.uint8]
    audio: NDArray[np.int16] | None


class Counting:
    """An engine whose pictures are numbered and whose voice is what it hears, at once."""

    def __init__(self, broken: Callable[[int], bool] = lambda step: False) -> None:
        self.heard: list[NDArray[np.int16] | None] = []
        self.steps, self.hushed, self.loud, self._broken = 0, 0, False, broken
        self.mood = False, False

    @property
    def speaking(self) -> bool:
        return self.loud

    def hush(self) -> None:
        self.hushed += 1

    def attend(self, listening: bool, thinking: bool) -> None:
        self.mood = listening, thinking

    def step(self, samples: NDArray[np.int16] | None) -> Made:
        self.steps += 1
        self.loud = samples is not None and bool(samples.any())
        self.heard.append(samples)
        if self._broken(self.steps):
            raise ZeroDivisionError("a fault inside the engine")
        return Made(np.full((4, 4, 3), self.steps % 256, np.uint8), samples)

    def animate(self, samples: NDArray[np.int16] | None) -> tuple[None, NDArray[np.int16] | None]:
        return None, self.step(samples).audio


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


class Visit:
    """A session and everything it said."""

    def __init__(self, pool: ThreadPoolExecutor, make_engine: Callable[[], Counting]) -> None:
        self.said: list[tuple[str, Any]] = []
        self.drops = 0
        self.clock = SimulatedClock()
        self.live = LiveSession(SharedResources(make_engine, pool, self.clock), self._tell, self._drop)

    def _tell(self, kind: str, data: Any) -> None:
        self.said.append((kind, data))

    def _drop(self) -> None:
        self.drops += 1

    def errors(self) -> list[str]:
        return [data for kind, data in self.said if kind == "error"]

    async def watch(self, count: int, level: int | None = 0) -> list[tuple[int, NDArray[np.int16]]]:
        """So many pictures with their sound, while the microphone hears a constant level (None: it is closed)."""
        task = asyncio.create_task(self.live.run())
        seen = []
        for _ in range(count):
            if level is not None:
                self.live.hear(np.full(SAMPLES_PER_TICK, level, np.int16))
            picture, voice = await asyncio.gather(self.live.pictures.get(), self.live.voices.get())
            seen.append((int(picture[0, 0, 0]), voice))
        task.cancel()
        return seen


async def test_pictures_come_in_order_and_the_voice_with_them(pool: ThreadPoolExecutor) -> None:
    visit = Visit(pool, Counting)
    seen = await visit.watch(30, level=3000)
    numbers = [number for number, _ in seen]
    assert numbers == sorted(set(numbers))
    assert all(voice.shape == (SAMPLES_PER_TICK,) for _, voice in seen)
    assert (seen[-1][1] == 3000).all()


async def test_silence_is_sent_while_nobody_speaks(pool: ThreadPoolExecutor) -> None:
    visit = Visit(pool, Counting)
    seen = await visit.watch(10)
    assert all(not voice.any() for _, voice in seen)


async def test_a_machine_that_is_too_slow_leaves_out_pictures_and_no_sound(pool: ThreadPoolExecutor) -> None:
    class Slow(Counting):
        """A picture takes a tick and a half."""

        def step(self, samples: NDArray[np.int16] | None) -> Made:
            visit.clock.time += 1.5 * TICK_SECONDS
            return super().step(samples)

        def animate(self, samples: NDArray[np.int16] | None) -> tuple[None, NDArray[np.int16] | None]:
            return None, super().step(samples).audio

    visit = Visit(pool, Slow)
    begin = visit.clock.now()
    await visit.live.run()
    engine = visit.live.engine
    assert isinstance(engine, Slow)
    assert engine.steps == pytest.approx((visit.clock.now() - begin) * FPS, abs=5)  # no sound is left out
    fresh = [data["fresh"] for kind, data in visit.said if kind == "stats"]
    assert fresh == pytest.approx([2 / 3] * len(fresh), abs=0.05)  # as many as there is time for


async def test_a_machine_that_cannot_even_speak_in_time_still_shows_a_face_that_moves(pool: ThreadPoolExecutor) -> None:
    class Hopeless(Counting):
        """Everything takes longer than a tick."""

        def step(self, samples: NDArray[np.int16] | None) -> Made:
            visit.clock.time += 1.2 * TICK_SECONDS
            return super().step(samples)

    visit = Visit(pool, Hopeless)
    await visit.live.run()
    fresh = [data["fresh"] for kind, data in visit.said if kind == "stats"]
    assert min(fresh) >= 0.24


async def test_a_broken_step_repeats_the_last_picture_and_the_visit_goes_on(pool: ThreadPoolExecutor) -> None:
    made: list[Counting] = []

    def make() -> Counting:
        made.append(Counting((lambda step: step == 10) if not made else (lambda step: False)))
        return made[-1]

    visit = Visit(pool, make)
    numbers = [number for number, _ in await visit.watch(20)]
    assert len(made) == 2
    last_good = numbers.index(9)  # the tenth step broke; a new engine counts anew
    assert numbers[last_good : last_good + 4] == [9, 9, 1, 2]
    assert len(visit.errors()) == 1


async def test_an_engine_that_keeps_breaking_ends_the_visit_with_a_sentence(pool: ThreadPoolExecutor) -> None:
    visit = Visit(pool, lambda: Counting(lambda step: True))
    await visit.live.run()
    assert len(visit.errors()) == MAX_FAILURES + 1
    assert visit.errors()[-1] == GAVE_UP


async def test_a_crash_in_one_session_touches_no_other(pool: ThreadPoolExecutor) -> None:
    broken, sound = Visit(pool, lambda: Counting(lambda step: True)), Visit(pool, Counting)
    ending = asyncio.create_task(broken.live.run())
    numbers = [number for number, _ in await sound.watch(60)]
    assert numbers == sorted(set(numbers)) and len(numbers) == 60
    assert sound.errors() == []
    while not ending.done():
        await asyncio.sleep(0)
    assert broken.errors()[-1] == GAVE_UP


async def test_the_visit_ends_when_no_sound_comes_any_more(pool: ThreadPoolExecutor) -> None:
    visit = Visit(pool, Counting)
    begin = visit.clock.now()
    await visit.live.run()
    assert visit.clock.now() - begin == pytest.approx(DEAF_SECONDS, abs=2 * TICK_SECONDS)
    assert visit.errors() == []


async def test_a_page_without_a_microphone_stays_as_long_as_it_says_so(pool: ThreadPoolExecutor) -> None:
    visit = Visit(pool, Counting)
    begin = visit.clock.now()
    task = asyncio.create_task(visit.live.run())
    while visit.clock.now() - begin < 3 * DEAF_SECONDS:
        visit.live.stay()
        await asyncio.sleep(0)
    assert not task.done()
    task.cancel()


def clip_of(ticks: float, level: int = 3000) -> Clip:
    return Clip("key", "a name", Sound(np.full(round(ticks * SAMPLES_PER_TICK), level, np.int16)))


async def test_a_clip_is_spoken_whole_instead_of_the_microphone(pool: ThreadPoolExecutor) -> None:
    visit = Visit(pool, Counting)
    visit.live.say(clip_of(7.5))
    seen = await visit.watch(30, level=-9000)
    assert isinstance(visit.live.engine, Counting)
    heard = np.concatenate([tick for tick in visit.live.engine.heard if tick is not None])
    assert (heard == 3000).sum() == 7.5 * SAMPLES_PER_TICK
    assert not (heard[: 8 * SAMPLES_PER_TICK] == -9000).any()
    assert seen[-1][1].max() < -8000  # the microphone is heard again
    assert [data for kind, data in visit.said if kind == "said"] == ["key"]
    assert next(data for kind, data in visit.said if kind == "speaking") is True


async def test_hushing_ends_a_clip_at_once(pool: ThreadPoolExecutor) -> None:
    visit = Visit(pool, Counting)
    visit.live.say(clip_of(1000))
    await visit.watch(10)
    visit.live.hush()
    seen = await visit.watch(5)
    assert not any(voice.any() for _, voice in seen[-2:])
    assert isinstance(visit.live.engine, Counting)
    assert visit.live.engine.hushed == 2  # where it began, and now


async def test_the_time_of_a_visit_ends_after_a_warning(pool: ThreadPoolExecutor) -> None:
    visit = Visit(pool, Counting)
    visit.live.limit = WARNING_SECONDS + 5
    begin = visit.clock.now()
    task = asyncio.create_task(visit.live.run())
    while not task.done():
        visit.live.stay()
        await asyncio.sleep(0)
    assert visit.clock.now() - begin == pytest.approx(WARNING_SECONDS + 5, abs=2 * TICK_SECONDS)
    assert [data for kind, data in visit.said if kind == "warning"] == [WARNING_SECONDS]
    assert visit.errors() == [TIME_UP]


async def test_the_time_of_a_visit_counts_from_its_offer_whenever_it_is_looked_at(pool: ThreadPoolExecutor) -> None:
    visit = Visit(pool, Counting)
    visit.live.limit = 20
    visit.live.arrive()
    offered, visit.clock.time = visit.clock.now(), visit.clock.time + 15
    task = asyncio.create_task(visit.live.run())
    while not task.done():
        visit.live.stay()
        await asyncio.sleep(0)
    assert visit.clock.now() - offered == pytest.approx(20, abs=2 * TICK_SECONDS)
    assert visit.errors() == [TIME_UP]


async def test_figures_are_told_once_a_second(pool: ThreadPoolExecutor) -> None:
    visit = Visit(pool, Counting)
    await visit.live.run()
    stats = [data for kind, data in visit.said if kind == "stats"]
    assert len(stats) == pytest.approx(DEAF_SECONDS, abs=1)
    # two packets, two and a half ticks of looking ahead, no work on a simulated clock
    assert all({**each, "cpu": 0} == {"server_ms": 140, "tick_ms": 0.0, "fresh": 1.0, "cpu": 0} for each in stats)
    assert all(each["cpu"] >= 0 for each in stats)


async def test_the_first_item_is_the_present_one_and_then_a_head_start_is_left_out() -> None:
    line: SendQueue[int] = SendQueue(head_start=2)
    line.end_tick(1)
    first = asyncio.create_task(line.get())
    await asyncio.sleep(0)
    line.begin_tick(1)
    assert await first == 1
    for item in (2, 3, 4, 5):
        line.begin_tick(item - 1)
        line.end_tick(item)
    assert await line.get() == 5


async def test_a_slow_track_loses_the_oldest_items() -> None:
    line: SendQueue[int] = SendQueue(head_start=0)
    first = asyncio.create_task(line.get())
    await asyncio.sleep(0)
    line.begin_tick(0)
    await first
    for item in range(10):
        line.end_tick(item)
    assert [await line.get() for _ in range(CAPACITY)] == [8, 9]


async def test_a_track_that_was_called_for_something_that_is_dropped_goes_on_waiting() -> None:
    line: SendQueue[int] = SendQueue(head_start=0)
    waiting = asyncio.create_task(line.get())
    await asyncio.sleep(0)
    line.begin_tick(1)
    line.clear()
    await asyncio.sleep(0)
    assert not waiting.done()
    line.end_tick(2)
    assert line.flowing
    line.end_tick(3)
    assert await waiting == 3


def test_the_voice_is_the_sound_to_the_sample_a_little_later() -> None:
    sound = np.random.default_rng(7).integers(-9000, 9000, 10 * SAMPLES_PER_TICK).astype(np.int16)
    lagging, lag = LipSyncDelay(), round(LAG_SECONDS * SAMPLE_RATE)
    voice = np.concatenate([lagging.push(tick) for tick in [*sound.reshape(10, -1), None]])
    assert not voice[:lag].any()
    assert np.array_equal(voice[lag : lag + sound.size], sound)


def test_the_voice_is_the_same_sound_at_48_khz_without_a_seam() -> None:
    lag_samples = round(LAG_SECONDS * VOICE_RATE)
    lags = range(lag_samples, lag_samples + VOICE_RATE // 440)
    upsampler = UpsampledVoice()
    time = np.arange(FPS * SAMPLES_PER_TICK) / SAMPLE_RATE
    tone = (8000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
    parts = [upsampler.push(tick) for tick in tone.reshape(FPS, -1)]
    assert {part.size for part in parts} == {VOICE_SAMPLES_PER_TICK}
    voice = np.concatenate(parts).astype(np.float64)
    time = np.arange(voice.size) / VOICE_RATE
    tones = {lag: np.sin(2 * np.pi * 440 * (time - lag / VOICE_RATE)) for lag in lags}
    best = max(tones, key=lambda lag: float(np.dot(voice, tones[lag])))
    assert best - lag_samples < 0.002 * VOICE_RATE
    assert np.abs(voice - 8000 * tones[best])[VOICE_SAMPLES_PER_TICK:].max() < 80  # 1 % of the tone, also where two ticks meet


def resyncs(steps: list[float], quiet: bool) -> list[int]:
    resync = VoiceResync()
    return [tick for tick, step in enumerate(steps, 1) if resync.due(step, 0.005, quiet)]


def test_the_voice_is_resynchronised_after_the_start_and_after_a_stall_even_in_speech() -> None:
    steps = [TICK_SECONDS] * 100
    assert resyncs(steps, quiet=False) == [START_TICKS]
    steps[50] = 0.5  # a stall, then ticks that catch up
    steps[51:54] = [0.005] * 3
    assert resyncs(steps, quiet=False) == [START_TICKS, 55]


def test_the_voice_is_resynchronised_from_time_to_time_in_quiet() -> None:
    assert resyncs([TICK_SECONDS] * 250, quiet=True) == [START_TICKS, START_TICKS + CALM_TICKS, START_TICKS + 2 * CALM_TICKS]


def test_a_tick_that_is_not_punctual_never_resynchronises() -> None:
    assert resyncs([1.4 * TICK_SECONDS] * 100, quiet=True) == []


def test_a_visitor_ticks_where_the_others_leave_the_most_room() -> None:
    phases: list[float] = []
    for _ in range(4):
        phases.append(free_phase(phases))
    assert phases == pytest.approx([0, 0.5 * TICK_SECONDS, 0.25 * TICK_SECONDS, 0.75 * TICK_SECONDS])
    assert free_phase([0.1 * TICK_SECONDS, 0.5 * TICK_SECONDS]) == pytest.approx(0.8 * TICK_SECONDS)


async def test_visitors_do_not_tick_at_the_same_moment(pool: ThreadPoolExecutor) -> None:
    shared = SharedResources(Counting, pool, SimulatedClock())
    visitors = [LiveSession(shared, lambda *_: None, lambda: None) for _ in range(3)]
    tasks = [asyncio.create_task(visit.run()) for visit in visitors]
    while len(shared.sessions) < 3:
        await asyncio.sleep(0)
    assert len({visit.phase for visit in visitors}) == 3
    for task in tasks:
        task.cancel()


async def test_a_phase_is_kept_through_stalls() -> None:
    clock = SimulatedClock()
    pacer = Pacer(clock, 3, phase=0.013)
    await pacer.wait()
    assert clock.now() % TICK_SECONDS == pytest.approx(0.013)
    clock.time += 0.517  # ten ticks are lost, three are caught up
    for _ in range(3):
        await pacer.wait()
    assert clock.now() == pytest.approx(100.013 + 0.517, abs=TICK_SECONDS)
    for _ in range(3):
        await pacer.wait()
        assert clock.now() % TICK_SECONDS == pytest.approx(0.013)

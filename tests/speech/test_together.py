"""Sessions whose ticks go through the net in one run hear nothing of each other."""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from weakref import ref

import numpy as np
import pytest
from numpy.typing import NDArray

from bithuman_core.errors import AudioError
from bithuman_core.speech.net import SpeechNet, SpeechTick, push_together
from bithuman_core.speech.together import Floats, State, TogetherRuns
from bithuman_core.timing import SAMPLES_PER_TICK
from tests.speech_clips import load_clip

STYLES = (0.5, 1.0, 1.5)
CLIP = load_clip("1688-142285-0008")[0].reshape(-1, SAMPLES_PER_TICK)


@pytest.fixture(scope="module")
def net() -> SpeechNet:
    return SpeechNet.load()


def same(a: SpeechTick, b: SpeechTick) -> bool:
    parts = ((a.mouth, b.mouth), (a.visemes, b.visemes), (a.phones, b.phones))
    return all(np.array_equal(x, y) for x, y in parts) and (a.voice, a.arousal) == (b.voice, b.arousal)


def test_together_is_the_same_as_one_by_one(net: SpeechNet) -> None:
    alone, together = ([net.stream(style) for style in STYLES] for _ in range(2))
    for k in range(100):
        ticks = [CLIP[(k + 20 * n) % len(CLIP)] for n in range(len(STYLES))]  # each hears another part of it
        wanted = [stream.push(tick) for stream, tick in zip(alone, ticks, strict=True)]
        got = push_together(together, ticks)
        assert all(same(a, b) for a, b in zip(wanted, got, strict=True))


def test_a_session_may_be_run_alone_again(net: SpeechNet) -> None:
    alone, other, mixed = (net.stream() for _ in range(3))
    for k in range(len(CLIP)):
        tick = CLIP[k]
        wanted = alone.push(tick)
        got = push_together([other, mixed], [tick[::-1].copy(), tick])[1] if k % 3 else mixed.push(tick)
        assert same(wanted, got)


def test_a_tick_that_is_none_leaves_all_as_they_were(net: SpeechNet) -> None:
    streams, untouched = [net.stream(), net.stream()], net.stream()
    good, bad = CLIP[0], np.full(SAMPLES_PER_TICK, np.nan, np.float32)
    with pytest.raises(AudioError, match="NaN"):
        push_together(streams, [good, bad])
    for k in range(5):
        tick = CLIP[k]
        assert same(untouched.push(tick), push_together(streams, [tick, tick])[0])


def test_nobody_is_nothing() -> None:
    assert push_together([], []) == []


def test_threads_that_push_at_the_same_moment_hear_what_they_hear_alone(net: SpeechNet) -> None:
    def talk(own: Sequence[NDArray[np.float32]]) -> list[SpeechTick]:
        stream = net.stream()
        return [stream.push(tick) for tick in own]

    ticks = [[CLIP[(k + 20 * n) % len(CLIP)] for k in range(40)] for n in range(6)]
    wanted = [talk(own) for own in ticks]
    with ThreadPoolExecutor(len(ticks)) as threads:
        got = list(threads.map(talk, ticks))
    assert all(same(a, b) for x, y in zip(wanted, got, strict=True) for a, b in zip(x, y, strict=True))


@pytest.mark.parametrize("breaks", [False, True])
def test_what_comes_while_the_net_runs_goes_into_the_next_run_together(breaks: bool) -> None:
    sizes = list[int]()

    def run(mel: Floats, opening: Floats, state: State) -> list[Floats]:
        sizes.append(len(mel))
        while len(sizes) == 1 and len(runs._waiting) < 3:
            os.sched_yield()  # until the others are there
        if breaks and len(sizes) == 2:
            raise RuntimeError("no memory")
        state["memory"] = state["memory"] + opening
        return [2 * mel]

    def push(k: int) -> tuple[list[float], float]:
        state = {"memory": np.zeros((1, 1), np.float32)}
        said = runs.run(run, np.full(2, k, np.float32), np.full((1, 1), k, np.float32), state)
        return said[0].tolist(), float(state["memory"][0, 0])

    runs = TogetherRuns()
    with ThreadPoolExecutor(4) as threads:
        told = [threads.submit(push, k) for k in range(4)]
        failed = [isinstance(each.exception(), RuntimeError) for each in told]
    assert sizes == [1, 3]
    assert sum(failed) == (3 if breaks else 0)
    assert all(each.result() == ([2 * k, 2 * k], k) for k, each in enumerate(told) if not failed[k])


def test_a_net_goes_with_its_last_session() -> None:
    net = SpeechNet.load()
    gone, stream = ref(net), net.stream()
    stream.push(CLIP[0])
    gc.disable()
    try:
        del net, stream
        assert gone() is None, "its memory would wait for the collector"
    finally:
        gc.enable()

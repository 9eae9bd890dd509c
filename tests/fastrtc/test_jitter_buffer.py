"""The microphone's jitter buffer: order, loss, delay."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bithuman_core.fastrtc.media.jitter_buffer import CALM_TICKS, MAX_MARGIN, MIN_MARGIN, PACKET, WINDOW, MicrophoneJitterBuffer
from bithuman_core.timing import SAMPLES_PER_TICK


def packets(count: int, start: int = 0) -> NDArray[np.int16]:
    """Sound whose samples count upwards, so that each tells where it came from."""
    return np.arange(start, start + count * PACKET).astype(np.int16)


def steady(buffer: MicrophoneJitterBuffer, ticks: int, level: int = 0) -> list[NDArray[np.int16] | None]:
    """Two packets a tick, as a browser sends them."""
    taken = []
    for _ in range(ticks):
        buffer.push(np.full(2 * PACKET, level, np.int16))
        taken.append(buffer.take())
    return taken


def test_nothing_comes_before_a_tick_and_its_margin_are_there() -> None:
    buffer = MicrophoneJitterBuffer()
    buffer.push(packets(2))
    assert buffer.take() is None
    buffer.push(packets(1, 2 * PACKET))
    tick = buffer.take()
    assert tick is not None
    assert np.array_equal(tick, np.arange(SAMPLES_PER_TICK))


@given(st.lists(st.integers(0, 1000), max_size=60))
@settings(max_examples=50, deadline=None)
def test_samples_keep_their_order_whatever_the_packets(sizes: list[int]) -> None:
    buffer, pushed, taken = MicrophoneJitterBuffer(), 0, []
    for size in sizes:
        buffer.push(np.arange(pushed, pushed + size).astype(np.int16))
        pushed += size
        tick = buffer.take()
        if tick is not None:
            assert tick.shape == (SAMPLES_PER_TICK,)
            taken.append(tick.astype(np.uint16))
    if taken:
        steps = np.diff(np.concatenate(taken).astype(np.int64)) % 65536
        assert (steps >= 1).all()  # forward only; a step over 1 is a skip
        assert steps.sum() < pushed


def test_a_backlog_is_skipped_in_quiet() -> None:
    buffer = MicrophoneJitterBuffer()
    steady(buffer, 5)
    buffer.push(np.zeros(6 * PACKET, np.int16))  # 120 ms too much arrive at once
    steady(buffer, WINDOW + 1)
    assert buffer.backlog <= MIN_MARGIN + 2 * PACKET


def test_speech_is_not_cut_for_a_small_backlog() -> None:
    buffer = MicrophoneJitterBuffer()
    steady(buffer, 5, level=5000)
    buffer.push(np.full(2 * PACKET, 5000, np.int16))
    before = buffer.backlog
    steady(buffer, 3 * WINDOW, level=5000)
    assert buffer.backlog == before
    steady(buffer, WINDOW)
    assert buffer.backlog < before


def test_a_large_backlog_is_skipped_even_in_speech() -> None:
    buffer = MicrophoneJitterBuffer()
    steady(buffer, 5, level=5000)
    buffer.push(np.full(50 * PACKET, 5000, np.int16))  # a second
    steady(buffer, WINDOW + 1, level=5000)
    assert buffer.backlog <= MIN_MARGIN + 2 * PACKET


def test_holes_widen_the_margin_and_calm_narrows_it() -> None:
    buffer = MicrophoneJitterBuffer()
    for _ in range(20):
        steady(buffer, 5)
        while buffer.take() is not None:
            pass
    assert buffer.margin == MAX_MARGIN
    steady(buffer, 10 * CALM_TICKS)
    assert buffer.margin == MIN_MARGIN


def test_a_late_packet_inside_the_margin_makes_no_hole() -> None:
    buffer = MicrophoneJitterBuffer()
    steady(buffer, 5)
    buffer.push(np.zeros(PACKET, np.int16))  # one of the two is late
    assert buffer.take() is not None
    buffer.push(np.zeros(3 * PACKET, np.int16))
    assert buffer.take() is not None

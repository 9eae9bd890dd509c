"""What an app's handler says, cut into ticks."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from fastrtc import CloseStream
from numpy.typing import NDArray

from bithuman_core.audio import float32_to_int16, resample
from bithuman_core.errors import AudioError
from bithuman_core.fastrtc.reply.speech_queue import PATIENCE, SpeechQueue

RATE = 24_000
TICK = RATE // 25


def noise(count: int) -> NDArray[np.int16]:
    return np.random.default_rng(7).integers(-9000, 9000, count).astype(np.int16)


def spoken(queue: SpeechQueue, ticks: int) -> NDArray[np.int16]:
    return np.concatenate([queue.take().samples for _ in range(ticks)])


@pytest.mark.parametrize("size", [1, 77, TICK, 5 * TICK + 1, 10**6])
def test_what_is_said_comes_out_to_the_sample(size: int) -> None:
    queue, said = SpeechQueue(RATE), noise(4 * TICK + 100)
    for start in range(0, said.size, size):
        queue.push(RATE, said[start : start + size].reshape(1, -1))
    queue.flush()
    out = spoken(queue, 6)
    assert np.array_equal(out[: said.size], said)
    assert not out[said.size :].any()


@pytest.mark.parametrize("shape", ["float32", "stereo", "flat"])
def test_floats_and_channels(shape: str) -> None:
    queue, said = SpeechQueue(RATE), noise(3 * TICK)
    forms: dict[str, NDArray[Any]] = {
        "float32": (said / np.float32(32768)).reshape(1, -1), "stereo": np.stack([said, said]), "flat": said,
    }  # fmt: skip
    queue.push(RATE, forms[shape])
    queue.push(RATE, np.zeros((1, 0), np.int16))
    assert np.array_equal(spoken(queue, 3), said)


@pytest.mark.parametrize("rate", [8000, 22_050, 44_100, 48_000])
def test_other_rates_are_resampled_without_a_seam(rate: int) -> None:
    queue, time = SpeechQueue(RATE), np.arange(rate) / rate
    said = (9000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
    for start in range(0, rate, 441):
        queue.push(rate, said[start : start + 441])
    queue.flush()
    heard, expected = spoken(queue, 26)[:RATE], float32_to_int16(resample(said / 32768.0, rate, RATE))
    assert np.abs(heard[200:-200].astype(int) - expected[200:-200]).max() < 90  # 1 % of the tone


def test_the_rate_may_change_between_two_sentences() -> None:
    queue = SpeechQueue(RATE)
    queue.push(48_000, noise(48_000))
    queue.push(RATE, noise(RATE))
    queue.flush()
    assert np.array_equal(spoken(queue, 50)[RATE:], noise(RATE))


def test_an_end_that_nobody_tells_is_spoken_a_little_later() -> None:
    queue = SpeechQueue(RATE)
    queue.push(RATE, noise(TICK // 2))
    out = spoken(queue, PATIENCE + 1)
    assert not out[: PATIENCE * TICK].any()
    assert np.array_equal(out[PATIENCE * TICK :][: TICK // 2], noise(TICK // 2))


@pytest.mark.parametrize("packet_ms", [20, 40, 60, 100])
def test_sound_at_the_pace_of_its_playing_has_at_most_one_hole(packet_ms: int) -> None:
    queue, packet, out = SpeechQueue(RATE), RATE * packet_ms // 1000, []
    said, now = noise(2 * RATE), 0
    for tick in range(50):
        while now * packet_ms <= tick * 40 and now * packet < said.size:
            queue.push(RATE, said[now * packet :][:packet])
            now += 1
        out.append(queue.take().samples)
    loud = [bool(samples.any()) for samples in out]
    assert sum(a and not b for a, b in pairwise(loud)) <= 1
    heard = np.concatenate([samples for samples in out if samples.any()])
    assert np.array_equal(heard, said[: heard.size])


def test_clearing_leaves_nothing_behind() -> None:
    queue = SpeechQueue(RATE)
    queue.push(48_000, noise(48_000))
    queue.close(CloseStream())
    queue.clear()
    assert (queue.seconds, queue.clears) == (0, 1)
    assert queue.take() is queue.silence
    queue.push(RATE, noise(2 * TICK))
    assert np.array_equal(spoken(queue, 2), noise(2 * TICK))


def test_the_stream_ends_after_the_last_word() -> None:
    queue, close = SpeechQueue(RATE), CloseStream("bye")
    queue.push(RATE, noise(TICK + 1))
    queue.close(close)
    assert [queue.take().close for _ in range(4)] == [None, None, close, None]


@pytest.mark.parametrize(
    ("rate", "samples"), [(RATE, np.zeros(9, np.int32)), (RATE, np.array([np.nan])), (1, np.zeros(9, np.int16))]
)
def test_what_is_no_sound_gets_a_sentence(rate: int, samples: NDArray[Any]) -> None:
    with pytest.raises(AudioError):
        SpeechQueue(RATE).push(rate, samples)

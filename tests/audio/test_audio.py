"""Samples: conversions, resampling, ticks. Nothing is lost, invented or reordered."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bithuman_core.audio import StreamResampler, TickQueue, float32_to_int16, int16_to_float32, resample
from bithuman_core.errors import AudioError
from bithuman_core.pcm import mono_int16
from bithuman_core.timing import LOOKAHEAD_TICKS, SAMPLE_RATE, TICK_SECONDS
from bithuman_core.types import AudioChunk

every_int16 = np.arange(-32768, 32768).astype(np.int16)


def test_int16_survives_the_way_through_float() -> None:
    assert np.array_equal(float32_to_int16(int16_to_float32(every_int16)), every_int16)


def test_loud_floats_clip_instead_of_wrapping() -> None:
    assert float32_to_int16(np.array([2.0, -2.0, 1.0])).tolist() == [32767, -32768, 32767]


def test_stereo_is_mixed_down() -> None:
    left, right = np.full(100, 1000, np.int16), np.full(100, 3000, np.int16)
    for stereo in (np.stack([left, right]), np.stack([left, right], axis=1)):
        assert np.array_equal(mono_int16(stereo), np.full(100, 2000))


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (b"\0\1\2", "even"),
        (np.array([0.0, np.nan]), "NaN"),
        (np.zeros(4, np.int32), "int32"),
        (np.zeros((2, 3, 4)), "shape"),
        (np.zeros((50, 50)), "8"),
        (np.full(10, 300.0), "32768"),
        (np.array([0.0, -20.0], np.float32), "-1 to 1"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "sound file"),
        (bytearray(b"ID3\4\0\0"), "decode it first"),
        (b"OggS\0\2", "sound file"),
        (b"fLaC\0\0", "sound file"),
    ],
)
def test_what_is_no_sound_gets_a_sentence(samples: NDArray[np.generic] | bytes, says: str) -> None:
    with pytest.raises(AudioError, match=says):
        mono_int16(samples)


def test_samples_that_know_their_type_are_read_as_what_they_are() -> None:
    floats = np.array([0.0, 0.5, -0.5], np.float32)
    assert mono_int16(memoryview(floats.data)).tolist() == [0, 16384, -16384]
    assert mono_int16(np.array([1, -2], ">i2")).tolist() == [1, -2]
    assert mono_int16(np.zeros((0, 2))).shape == (0,)
    assert mono_int16(memoryview(np.array([1, -2], np.int16).tobytes())).tolist() == [1, -2]


@pytest.mark.parametrize("rate", [0, -1, 3999, 10**6, 16000.5, True])
def test_impossible_rates_are_refused(rate: int) -> None:
    with pytest.raises(AudioError, match="sample rate"):
        AudioChunk(b"", rate)


def test_an_empty_chunk_is_truthy_and_a_chunk_knows_its_length() -> None:
    chunk = AudioChunk.from_bytes(b"\x01\x00\x02\x00", 16000, last_chunk=False)
    assert chunk.array.tolist() == [1, 2]
    assert chunk.bytes == b"\x01\x00\x02\x00"
    assert chunk.duration == 2 / 16000
    assert AudioChunk(b"", 16000)


@settings(max_examples=20, deadline=None)
@given(rate=st.sampled_from([8000, 22050, 24000, 44100, 48000]), cuts=st.lists(st.integers(1, 3000), min_size=1, max_size=12))
def test_resampling_does_not_depend_on_the_chunks(rate: int, cuts: list[int]) -> None:
    samples = float32_to_int16(0.3 * np.sin(np.arange(sum(cuts)) * 0.05))
    whole = StreamResampler(rate)
    expected = np.concatenate([whole.push(samples), whole.finish()])
    stream = StreamResampler(rate)
    parts = [stream.push(part) for part in np.split(samples, np.cumsum(cuts)[:-1])]
    assert np.array_equal(np.concatenate([*parts, stream.finish()]), expected)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 32000, 44100, 47999, 48000, 192000])
def test_a_stream_keeps_what_the_ear_hears_and_lets_nothing_else_through(rate: int) -> None:
    time = np.arange(rate) / rate
    low, high = 0.4 * min(rate, SAMPLE_RATE), 0.52 * SAMPLE_RATE
    for pitch, kept in ((300.0, True), (low, True), *(((high, False),) if high < rate / 2 else ())):
        stream = StreamResampler(rate)
        sent = float32_to_int16(0.5 * np.sin(2 * np.pi * pitch * time))
        made = int16_to_float32(np.concatenate([stream.push(sent), stream.finish()]))
        assert made.size == SAMPLE_RATE
        expected = 0.5 * kept * np.sin(2 * np.pi * pitch * np.arange(SAMPLE_RATE) / SAMPLE_RATE)
        assert np.abs(made - expected)[800:-800].max() < 1.5e-3


def most_behind(rate: int, phase: float, ticks: int) -> float:
    """Seconds of sound that were pushed and are not on screen yet, look-ahead included, at the worst of the ticks.

    Packets of 20 ms as a network brings them; the ticks' clock is ``phase`` seconds later.
    """
    stream, queue, packet = StreamResampler(rate), TickQueue(), np.ones(rate // 50, np.int16)
    sent, shown, most = 0, 0, 0.0
    for tick in range(1, ticks):
        while (sent + 1) * 0.02 <= tick * TICK_SECONDS + phase + 1e-9:
            queue.push(stream.push(packet), "live")
            sent += 1
        shown += taken.samples.size if (taken := queue.pop()) is not None else 0
        most = max(most, sent * packet.size / rate - shown / SAMPLE_RATE)
    return most + LOOKAHEAD_TICKS * TICK_SECONDS


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000])
@pytest.mark.parametrize("phase", [0.0, 0.01, 0.02, 0.03])
def test_the_face_is_at_most_120_ms_behind_at_any_rate(rate: int, phase: float) -> None:
    assert most_behind(rate, phase, 500) <= 0.12 + 1e-6


def test_the_face_is_at_most_120_ms_behind_after_half_an_hour() -> None:
    assert most_behind(48_000, 0.01, 30 * 60 * 25) <= 0.12 + 1e-6


@pytest.mark.parametrize("rate", [8000, 24000, 44100, 48000])
def test_a_tone_keeps_its_pitch_and_level(rate: int) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    made = resample(tone, rate, 16000)
    expected = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    assert abs(made.size - 16000) <= 1
    assert np.abs(made[800:15200] - expected[800:15200]).max() < 2e-3


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 2000), max_size=5), max_size=5))
def test_ticks_hold_every_sample_of_every_utterance(utterances: list[list[int]]) -> None:
    queue, rng = TickQueue(), np.random.default_rng(0)
    pushed: dict[str, NDArray[np.int16]] = {}
    for number, sizes in enumerate(utterances):
        chunks = [rng.integers(-32768, 32767, size).astype(np.int16) for size in sizes]
        for chunk in chunks:
            queue.push(chunk, str(number))
        queue.close()
        pushed[str(number)] = np.concatenate([*chunks, np.zeros(0, np.int16)])
    popped: dict[str, list[NDArray[np.int16]]] = {}
    ended: list[str] = []
    while (tick := queue.pop()) is not None:
        assert tick.samples.size == 640 or tick.last
        assert tick.message_id not in ended
        popped.setdefault(tick.message_id, []).append(tick.samples)
        if tick.last:
            ended.append(tick.message_id)
    spoken = [name for name, samples in pushed.items() if samples.size]
    assert ended == spoken
    assert all(np.array_equal(np.concatenate(popped[name]), pushed[name]) for name in spoken)
    assert queue.samples == 0


def test_an_open_utterance_waits_for_a_whole_tick() -> None:
    queue = TickQueue()
    queue.push(np.zeros(639, np.int16), "a")
    assert queue.pop() is None
    queue.push(np.zeros(1, np.int16), "a")
    tick = queue.pop()
    assert tick is not None
    assert (tick.samples.size, tick.last) == (640, False)
    queue.close()
    tick = queue.pop()
    assert tick is not None
    assert (tick.samples.size, tick.last) == (0, True)


def test_the_queue_keeps_its_own_copy() -> None:
    queue, samples = TickQueue(), np.ones(640, np.int16)
    queue.push(samples, "a")
    samples[:] = 0
    tick = queue.pop()
    assert tick is not None
    assert tick.samples.all()


def test_the_queue_knows_how_much_waits() -> None:
    """At every step of an hour of short utterances; the count is kept, so that a push costs the same after 100,000 of them."""
    queue, rng, waiting = TickQueue(), np.random.default_rng(0), 0
    for _ in range(2000):
        size = int(rng.integers(0, 1500))
        queue.push(np.ones(size, np.int16), "a")
        waiting += size
        if rng.random() < 0.3:
            queue.close()
        if rng.random() < 0.4 and (tick := queue.pop()) is not None:
            waiting -= tick.samples.size
        if rng.random() < 0.01:
            queue.clear()
            waiting = 0
        assert queue.samples == waiting

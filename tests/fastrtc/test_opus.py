"""Sound on its way through aiortc and FastRTC."""

from __future__ import annotations

import asyncio
import queue
import threading
from fractions import Fraction

import av
import numpy as np
import pytest
from aiortc import RTCRtpCodecParameters
from aiortc.codecs.opus import OpusDecoder, OpusEncoder
from aiortc.jitterbuffer import JitterFrame
from numpy.typing import NDArray

from bithuman_core.fastrtc.media.opus import MicrophoneDecoder, VoiceEncoder, decode_arriving, hand_on
from bithuman_core.timing import SAMPLE_RATE, SAMPLES_PER_TICK

OPUS = RTCRtpCodecParameters(mimeType="audio/opus", clockRate=48_000, channels=2)
TICKS = 50


def ticks(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    return samples[: TICKS * SAMPLES_PER_TICK].reshape(TICKS, -1)


def frame_of(samples: NDArray[np.int16], pts: int, rate: int = SAMPLE_RATE, layout: str = "mono") -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "s16", layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, pts, Fraction(1, rate)
    return frame


def decoded(decoder: OpusDecoder, payload: bytes, time: int) -> list[av.AudioFrame]:
    frames = decoder.decode(JitterFrame(data=payload, timestamp=time))
    assert all(isinstance(frame, av.AudioFrame) for frame in frames)
    return frames  # type: ignore[return-value]


def test_a_tick_of_the_voice_is_one_packet_that_any_receiver_hears_as_it_was(speech: NDArray[np.int16]) -> None:
    encoder, receiver, heard = VoiceEncoder(), OpusDecoder(), list[NDArray[np.float64]]()
    for number, tick in enumerate(ticks(speech)):
        payloads, time = encoder.encode(frame_of(tick, number * SAMPLES_PER_TICK))
        assert (len(payloads), time) == (1, number * 1920)  # Opus counts in 48 kHz, whatever it carries
        heard += [frame.to_ndarray().reshape(-1, 2)[::3, 0].astype(np.float64) for frame in decoded(receiver, payloads[0], time)]
    sent, got = ticks(speech).reshape(-1).astype(np.float64), np.concatenate(heard)
    match = max(np.corrcoef(sent[:30_000], got[lag : 30_000 + lag])[0, 1] for lag in range(200))  # the codec's own delay: 6.5 ms
    assert match > 0.98


def test_other_sound_goes_the_stock_way() -> None:
    music = np.random.default_rng(7).integers(-9000, 9000, 2 * 960).astype(np.int16)
    ours, stock = VoiceEncoder(), OpusEncoder()
    for number in range(5):
        frames = [frame_of(music, number * 960, 48_000, "stereo") for _ in range(2)]
        assert ours.encode(frames[0]) == stock.encode(frames[1])


def test_a_visitor_is_heard_in_mono_whatever_they_send() -> None:
    time = np.arange(10 * 960) / 48_000
    tone = (9000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
    left_only = np.stack([tone, np.zeros_like(tone)], 1).reshape(10, -1)
    encoder, decoder, heard = OpusEncoder(), MicrophoneDecoder(), list[NDArray[np.int16]]()
    for number, packet in enumerate(left_only):
        for payload in encoder.encode(frame_of(packet, number * 960, 48_000, "stereo"))[0]:
            frames = decoded(decoder, payload, number * 960)
            assert {(frame.layout.name, frame.sample_rate) for frame in frames} == {("mono", 48_000)}
            heard += [frame.to_ndarray()[0] for frame in frames]
    assert abs(np.abs(np.concatenate(heard)[4800:]).max() - 4500) < 700  # both channels' mean


async def test_what_arrives_is_decoded_in_order_and_a_broken_packet_only_missing() -> None:
    encoder, arriving, out, failed = OpusEncoder(), queue.Queue[object](), asyncio.Queue[object](), threading.Event()
    for number in range(6):
        payloads, time = encoder.encode(frame_of(np.zeros(2 * 960, np.int16), number * 960, 48_000, "stereo"))
        for payload in payloads:
            arriving.put((OPUS, JitterFrame(data=b"\xff" if number == 3 else payload, timestamp=time)))
    arriving.put(None)
    thread = threading.Thread(target=decode_arriving, args=(asyncio.get_running_loop(), arriving, out, failed))
    thread.start()
    frames = []
    while (frame := await out.get()) is not None:
        frames.append(frame)
    thread.join()
    assert failed.is_set()
    times = [frame.pts for frame in frames]
    assert times == sorted(times) and len(times) >= 4


def test_rubbish_without_end_is_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    loop, arriving = asyncio.new_event_loop(), queue.Queue[object]()
    for number in range(500):
        arriving.put((OPUS, JitterFrame(data=b"\xff", timestamp=number * 960)))
    arriving.put(None)
    decode_arriving(loop, arriving, asyncio.Queue(), threading.Event())
    loop.close()
    assert len(caplog.records) == 1


async def test_the_handlers_voice_reaches_the_track_to_the_sample(speech: NDArray[np.int16]) -> None:
    waiting, ended, left = asyncio.Queue[av.AudioFrame](), asyncio.Event(), list(ticks(speech))

    async def emit() -> tuple[int, NDArray[np.int16]]:
        tick = left.pop(0)
        if not left:
            ended.set()
        return SAMPLE_RATE, tick.reshape(1, -1)

    await hand_on(emit, waiting, ended, lambda: None, None, False, SAMPLE_RATE, SAMPLES_PER_TICK)
    frames = [waiting.get_nowait() for _ in range(waiting.qsize())]
    assert [frame.pts for frame in frames] == list(range(0, TICKS * SAMPLES_PER_TICK, SAMPLES_PER_TICK))
    assert np.array_equal(np.concatenate([frame.to_ndarray()[0] for frame in frames]), ticks(speech).reshape(-1))

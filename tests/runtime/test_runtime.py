"""AsyncBithuman on a simulated clock: exact sound, one end of speech, clean interruption, an end without an accident."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator

import numpy as np
import pytest
from numpy.typing import NDArray

from bithuman_core import AsyncBithuman, AudioChunk, Emotion, EmotionPrediction, Fixture, VideoControl, VideoFrame
from bithuman_core.audio import StreamResampler, float32_to_int16, resample
from bithuman_core.errors import AudioError, ModelNotFoundError, RuntimeNotReadyError
from tests.kinds import each_kind
from tests.simulated import SimulatedClock

TICK = 640


@pytest.fixture
async def runtime(fixture: Fixture) -> AsyncIterator[AsyncBithuman]:
    async with AsyncBithuman(fixture, clock=SimulatedClock()) as made:
        yield made


async def take(runtime: AsyncBithuman, count: int) -> list[VideoFrame]:
    frames: list[VideoFrame] = []
    async for frame in runtime.run():
        frames.append(frame)
        if len(frames) == count:
            break
    await runtime_closed(runtime)
    return frames


async def runtime_closed(runtime: AsyncBithuman) -> None:
    """Let the abandoned generator of a broken ``async for`` finish, so that the next run() may begin."""
    for _ in range(3):
        await asyncio.sleep(0)


def heard(frames: list[VideoFrame]) -> NDArray[np.int16]:
    return np.concatenate([np.zeros(0, np.int16), *(f.audio_chunk.array for f in frames if f.audio_chunk)])


@each_kind
async def test_sound_out_equals_sound_in_to_the_sample(runtime: AsyncBithuman, speech: NDArray[np.int16]) -> None:
    said = speech[: 2 * 16000 + 123]
    for start in range(0, said.size, 777):
        await runtime.push_audio(said[start : start + 777].tobytes(), 16000, last_chunk=False)
    await runtime.flush()
    frames = await take(runtime, 60)
    assert np.array_equal(heard(frames), said)
    spoken = [f for f in frames if f.audio_chunk]
    assert [f.audio_chunk.array.size for f in spoken if f.audio_chunk] == [TICK] * 50 + [123]
    assert [f.frame_index for f in frames] == list(range(60))
    ends = [f for f in frames if f.end_of_speech]
    assert ends == [spoken[-1]]
    assert len({f.source_message_id for f in spoken}) == 1


async def test_the_picture_shows_the_sound_it_carries(runtime: AsyncBithuman, speech: NDArray[np.int16]) -> None:
    """The mouth region moves where the sound is loud: no lag between the two inside the frames."""
    runtime.set_stillness(1.0)  # a head that turns moves the region, too
    await runtime.push_audio(speech.tobytes(), 16000)
    frames = [f for f in await take(runtime, 153) if f.audio_chunk]
    level = np.array([np.log10(np.abs(f.audio_chunk.array.astype(float)).mean() + 30) for f in frames if f.audio_chunk])
    mouths = np.array([np.asarray(f.bgr_image)[270:390:2, 190:330:2].astype(np.float32) for f in frames])
    open_by = np.abs(mouths - mouths[level.argmin()]).mean(axis=(1, 2, 3))
    smooth = np.ones(5) / 5
    a, b = (np.convolve(x - x.mean(), smooth, "same") for x in (level, open_by))
    lags = {lag: np.corrcoef(a[10:-10], np.roll(b, -lag)[10:-10])[0, 1] for lag in range(-6, 7)}
    assert abs(max(lags, key=lambda lag: lags[lag])) <= 2
    assert lags[0] > 0.4


@pytest.mark.parametrize("rate", [8000, 24000, 48000])
async def test_any_rate_goes_in(runtime: AsyncBithuman, speech: NDArray[np.int16], rate: int) -> None:
    said = float32_to_int16(resample(speech[:16000] / 32768.0, 16000, rate))
    for start in range(0, said.size, 500):
        await runtime.push_audio(said[start : start + 500].tobytes(), rate, last_chunk=False)
    await runtime.flush()
    out = heard(await take(runtime, 40))
    whole = StreamResampler(rate)
    assert np.array_equal(out, np.concatenate([whole.push(said), whole.finish()]))
    expected = resample(said / 32768.0, rate, 16000)  # another filter, steeper and slower
    size = min(out.size, expected.size)
    assert abs(out.size - 16000) <= 1
    assert np.std(out[:size] / 32768.0 - expected[:size]) < 0.03 * np.std(expected)


async def test_float_and_stereo_arrays_are_taken(runtime: AsyncBithuman, speech: NDArray[np.int16]) -> None:
    stereo = np.stack([speech[:3200], speech[:3200]], axis=1) / 32768.0
    await runtime.push_audio(stereo, 16000)
    assert np.array_equal(heard(await take(runtime, 10)), speech[:3200])


@each_kind
async def test_idle_frames_have_no_sound_and_are_alive(runtime: AsyncBithuman) -> None:
    frames = await take(runtime, 120)
    assert all(f.audio_chunk is None and not f.end_of_speech and f.source_message_id is None for f in frames)
    pictures = np.array([np.asarray(f.bgr_image)[::4, ::4] for f in frames]).astype(int)
    assert np.abs(np.diff(pictures, axis=0)).mean() > 0.02
    assert runtime.get_frame_size() == (frames[0].bgr_image.shape[1], frames[0].bgr_image.shape[0])  # type: ignore[union-attr]


async def test_frames_come_at_play_rate(runtime: AsyncBithuman) -> None:
    clock = runtime._clock
    begin = clock.now()
    await take(runtime, 51)
    assert clock.now() - begin == pytest.approx(50 * 0.04, abs=0.041)


@each_kind
async def test_a_stalled_consumer_gets_a_short_burst_and_all_its_sound(fixture: Fixture, speech: NDArray[np.int16]) -> None:
    clock = SimulatedClock()
    async with AsyncBithuman(fixture, clock=clock, output_buffer_size=5) as runtime:
        await runtime.push_audio(speech[: 30 * TICK].tobytes(), 16000)
        frames, times = [], []
        async for frame in runtime.run():
            frames.append(frame)
            times.append(clock.now())
            if len(frames) == 10:
                clock.time += 3.0
            if len(frames) == 45:
                break
        assert np.array_equal(heard(frames), speech[: 30 * TICK])
        after = np.diff(times[10:])
        assert 4 <= (after < 0.001).sum() <= 6


@each_kind
async def test_nothing_stale_after_an_interruption(runtime: AsyncBithuman, speech: NDArray[np.int16]) -> None:
    first, second = speech[: 40 * TICK], speech[40 * TICK : 60 * TICK + 7]
    await runtime.push_audio(first.tobytes(), 16000)
    frames: list[VideoFrame] = []
    async for frame in runtime.run():
        frames.append(frame)
        if len(frames) == 15:
            await runtime.interrupt()
            await runtime.push_audio(second.tobytes(), 16000)
        if len(frames) == 45:
            break
    before, after = frames[:15], frames[15:]
    assert np.array_equal(heard(before), first[: 13 * TICK])
    assert np.array_equal(heard(after), second)
    assert sum(f.end_of_speech for f in frames) == 1
    assert after[2].audio_chunk is not None, "the next utterance starts as soon as the look-ahead allows"
    mouths = [np.asarray(f.bgr_image)[270:390, 190:330].astype(int) for f in frames]
    steps = [np.abs(b - a).mean() for a, b in itertools.pairwise(mouths)]
    assert steps[14] < 3.0 * max(steps[:14]), "the mouth closes, it does not jump"


async def test_a_hundred_interruptions_in_a_row(runtime: AsyncBithuman, speech: NDArray[np.int16]) -> None:
    for _ in range(100):
        await runtime.push_audio(speech[: 10 * TICK].tobytes(), 16000, last_chunk=False)
        runtime.interrupt()
    assert heard(await take(runtime, 5)).size == 0
    await runtime.push_audio(speech[:TICK].tobytes(), 16000)
    assert np.array_equal(heard(await take(runtime, 5)), speech[:TICK])


@each_kind
async def test_interruption_while_a_frame_is_made(runtime: AsyncBithuman, speech: NDArray[np.int16]) -> None:
    """The frame that is being made when the interruption comes carries none of the old sound."""
    await runtime.push_audio(speech[: 20 * TICK].tobytes(), 16000)
    await take(runtime, 5)
    session = runtime._session
    made = session.next_frame()
    assert made.audio_chunk is not None
    session.interrupt()
    released = session.release(made)
    assert (released.audio_chunk, released.source_message_id) == (None, None)
    assert released.bgr_image is made.bgr_image


async def test_a_late_flush_still_ends_the_utterance_once(runtime: AsyncBithuman, speech: NDArray[np.int16]) -> None:
    for ticks_before_flush in (2, 3, 4, 8):
        await runtime.push_audio(speech[: 2 * TICK].tobytes(), 16000, last_chunk=False)
        frames: list[VideoFrame] = []
        async for frame in runtime.run():
            frames.append(frame)
            if len(frames) == ticks_before_flush:
                await runtime.flush()
            if len(frames) == 14:
                break
        await runtime_closed(runtime)
        assert np.array_equal(heard(frames), speech[: 2 * TICK])
        assert sum(f.end_of_speech for f in frames) == 1


async def test_flushing_silence_says_nothing(runtime: AsyncBithuman) -> None:
    await runtime.flush()
    await runtime.push_audio(b"", 16000)
    frames = await take(runtime, 6)
    assert not any(f.end_of_speech or f.audio_chunk for f in frames)


async def test_two_utterances_keep_their_names_and_ends(runtime: AsyncBithuman, speech: NDArray[np.int16]) -> None:
    controls = [VideoControl.from_audio(speech[i * 3000 : (i + 1) * 3000], 16000) for i in range(2)]
    for control in controls:
        await runtime.push(control)
    frames = await take(runtime, 20)
    for control in controls:
        mine = [f for f in frames if f.source_message_id == control.message_id]
        assert isinstance(control.audio, AudioChunk)
        assert np.array_equal(heard(mine), control.audio.array)
        assert [f.end_of_speech for f in mine] == [False] * (len(mine) - 1) + [True]


async def test_an_unknown_gesture_gets_a_sentence_and_nothing_is_done(runtime: AsyncBithuman) -> None:
    with pytest.raises(ValueError, match="knows"):
        await runtime.push(VideoControl(action="wave", emotion_preds=[EmotionPrediction(Emotion.JOY, 1.0)]))
    assert not runtime._session._commands


@each_kind
async def test_emotions_change_the_face(fixture: Fixture) -> None:
    pictures = []
    for emotion in (Emotion.NEUTRAL, Emotion.JOY):
        async with AsyncBithuman(fixture, clock=SimulatedClock()) as runtime:
            await runtime.push(VideoControl(emotion_preds=[EmotionPrediction(emotion, 1.0)]))
            frames = await take(runtime, 40)
        pictures.append(np.asarray(frames[-1].bgr_image).astype(int))
    assert np.abs(pictures[0] - pictures[1])[270:390, 190:330].mean() > 2.0


async def test_bad_sound_is_refused_and_harms_nothing(runtime: AsyncBithuman, speech: NDArray[np.int16]) -> None:
    await runtime.push_audio(speech[:TICK].tobytes(), 16000, last_chunk=False)
    for data, rate in ((b"\0", 16000), (b"\0\0", 0), (np.array([np.nan]), 16000)):
        with pytest.raises(AudioError):
            await runtime.push_audio(data, rate)
    await runtime.flush()
    assert np.array_equal(heard(await take(runtime, 6)), speech[:TICK])


@pytest.mark.parametrize("size", [1, 777, 1023])
@pytest.mark.parametrize("rate", [16000, 24000])
async def test_a_stream_cut_in_the_middle_of_samples_is_heard_whole(
    runtime: AsyncBithuman, speech: NDArray[np.int16], size: int, rate: int
) -> None:
    said = speech[16000 : 16000 + 3 * size].tobytes() + b"\0\0"
    for start in range(0, len(said), size):
        await runtime.push_audio(said[start : start + size], rate, last_chunk=start + size >= len(said))
    whole = StreamResampler(rate)
    expected = [whole.push(np.frombuffer(said, "<i2")), whole.finish()]
    assert np.array_equal(heard(await take(runtime, 8)), np.concatenate(expected))


@pytest.mark.parametrize("how", ["flush", "interrupt", "last_chunk"])
async def test_half_a_sample_does_not_reach_the_next_utterance(
    runtime: AsyncBithuman, speech: NDArray[np.int16], how: str
) -> None:
    await runtime.push_audio(speech[:TICK].tobytes() + b"\x7f", 16000, last_chunk=False)
    if how == "last_chunk":
        await runtime.push_audio(b"", 16000)
    else:
        await getattr(runtime, how)()
    await runtime.push_audio(speech[TICK : 2 * TICK].tobytes(), 16000)
    assert np.array_equal(heard(await take(runtime, 8)), speech[TICK if how == "interrupt" else 0 : 2 * TICK])


async def test_a_new_run_takes_over_from_one_that_was_left(runtime: AsyncBithuman, speech: NDArray[np.int16]) -> None:
    async def wrapped() -> AsyncIterator[VideoFrame]:
        async for frame in runtime.run():
            yield frame

    for iterate in (runtime.run, wrapped, runtime.run, wrapped, wrapped):
        await runtime.push_audio(speech[: 3 * TICK + 5], 16000)
        frames: list[VideoFrame] = []
        async for frame in iterate():
            frames.append(frame)
            if frame.end_of_speech:
                break
        assert np.array_equal(heard(frames), speech[: 3 * TICK + 5])


async def test_a_chunk_may_be_left_too(runtime: AsyncBithuman, speech: NDArray[np.int16]) -> None:
    for _ in range(2):
        async for frame in runtime.process_audio_chunk(AudioChunk(speech[: 3 * TICK], 16000)):
            assert frame.audio_chunk is not None
            break
        runtime.interrupt()


@pytest.mark.parametrize("scale", [np.float32, np.float64])
async def test_floats_at_int16_scale_are_refused(runtime: AsyncBithuman, speech: NDArray[np.int16], scale: type) -> None:
    with pytest.raises(AudioError, match="32768"):
        await runtime.push_audio(speech.astype(scale), 16000)


async def test_only_one_consumer(runtime: AsyncBithuman) -> None:
    async for _ in runtime.run():
        with pytest.raises(RuntimeNotReadyError, match="second runtime"):
            async for _ in runtime.run():
                pass
        break


@pytest.mark.parametrize("how", ["stop", "shutdown", "cleanup"])
async def test_the_iteration_ends_cleanly_from_outside(fixture: Fixture, speech: NDArray[np.int16], how: str) -> None:
    runtime = AsyncBithuman(fixture, clock=SimulatedClock())
    await runtime.push_audio(speech.tobytes(), 16000)
    seen: list[VideoFrame] = []

    async def consume() -> None:
        async for frame in runtime.run():
            seen.append(frame)

    task = asyncio.create_task(consume())
    while len(seen) < 5:
        await asyncio.sleep(0)
    ended = getattr(runtime, how)()
    if ended is not None:
        await ended
    await task
    if how == "stop":
        assert heard(await take(runtime, 5)).size == 0, "what was left to say is dropped"
        await runtime.shutdown()
    else:
        with pytest.raises(RuntimeNotReadyError, match="shut down"):
            await runtime.push_audio(b"", 16000)
    await runtime.shutdown()


async def test_an_idle_timeout_ends_the_run(runtime: AsyncBithuman, speech: NDArray[np.int16]) -> None:
    await runtime.push_audio(speech[: 25 * TICK].tobytes(), 16000)
    frames = [frame async for frame in runtime.run(idle_timeout=1.0)]
    assert 50 <= len(frames) <= 54


async def test_create_loads_the_shipped_avatar_and_knows_its_size() -> None:
    async with await AsyncBithuman.create() as runtime:
        assert runtime.get_frame_size() == (runtime.frame_width, runtime.frame_height) == (512, 512)
        assert (runtime.settings.FPS, runtime.settings.INPUT_SAMPLE_RATE) == (runtime.fps, runtime.sample_rate) == (25, 16000)
        assert runtime.samples_per_tick == TICK
        first = runtime.get_first_frame()
        assert (first.shape, first.dtype) == ((512, 512, 3), np.uint8)


async def test_create_says_what_is_wrong() -> None:
    with pytest.raises(ModelNotFoundError, match=r"none\.imx"):
        await AsyncBithuman.create(model_path="none.imx")


@each_kind
async def test_create_and_shutdown_leave_no_threads(fixture: Fixture) -> None:
    import threading

    before = threading.active_count()
    for _ in range(20):
        runtime = AsyncBithuman(fixture, clock=SimulatedClock())
        await take(runtime, 1)
        executor = runtime._executor
        await runtime.shutdown()
        executor.shutdown(wait=True)
    assert threading.active_count() <= before


@each_kind
async def test_paused_speech_goes_on_where_it_stopped(runtime: AsyncBithuman, speech: NDArray[np.int16]) -> None:
    said = speech[: 50 * TICK]
    await runtime.push_audio(said, 16000)
    before = await take(runtime, 20)
    runtime.pause()
    held = await take(runtime, 20)
    assert all(frame.bgr_image is not None for frame in held)
    assert heard(held).size == 2 * TICK, "what was on its way"
    assert not any(frame.audio_chunk for frame in held[2:])
    runtime.resume()
    after = await take(runtime, 40)
    assert np.array_equal(heard([*before, *held, *after]), said)
    assert [frame.end_of_speech for frame in [*before, *held, *after]].count(True) == 1


async def test_what_is_interrupted_in_a_pause_is_gone(runtime: AsyncBithuman, speech: NDArray[np.int16]) -> None:
    await runtime.push_audio(speech[: 50 * TICK], 16000)
    runtime.pause()
    await take(runtime, 3)
    await runtime.interrupt()
    await runtime.push_audio(speech[: 5 * TICK], 16000)
    assert heard(await take(runtime, 10)).size == 0
    runtime.resume()
    assert np.array_equal(heard(await take(runtime, 10)), speech[: 5 * TICK])

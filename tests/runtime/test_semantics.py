"""What a session promises over time: live microphones, back-pressure, changes of avatar, ends from anywhere, no growth."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from bithuman_core import AsyncBithuman, Bithuman, Fixture, VideoControl, VideoFrame
from bithuman_core.audio.tick_queue import TickQueue
from bithuman_core.build.footage.builder import footage_arrays, read_footage
from bithuman_core.errors import AudioError, ModelNotFoundError, RuntimeNotReadyError
from bithuman_core.imx import write_imx
from bithuman_core.runtime.session import MAX_WAITING
from bithuman_core.settings import models_dir
from tests.footage import Filmed
from tests.kinds import each_kind
from tests.simulated import SimulatedClock

TICK = 640


@pytest.fixture
async def runtime(fixture: Fixture) -> AsyncIterator[AsyncBithuman]:
    async with AsyncBithuman(fixture, clock=SimulatedClock()) as made:
        yield made


def heard(frames: list[VideoFrame]) -> NDArray[np.int16]:
    return np.concatenate([np.zeros(0, np.int16), *(f.audio_chunk.array for f in frames if f.audio_chunk)])


def microphone_waits(speech: NDArray[np.int16], minutes: float, rate: float, stall: int = 0) -> NDArray[np.float64]:
    """Seconds that sound waits at every tick of a microphone in 20 ms packets whose clock runs at ``rate`` Hz, never flushed.

    stall: ticks that the avatar starts late. Speech with its own pauses, over a little noise.
    """
    rng = np.random.default_rng(0)
    voice = np.concatenate([speech, rng.integers(-6, 7, 2 * 16000).astype(np.int16)])  # 8 s: whole packets
    queue, waits, pushed = TickQueue(), [], 0
    for tick in range(int(minutes * 60 * 25)):
        arrived = round((tick + 1) * 0.04 * rate) // 320 * 320
        while pushed < arrived:
            at = pushed % voice.size
            queue.push(voice[at : at + 320], "m")
            pushed += 320
        if tick >= stall:
            queue.pop()
            waits.append(queue.samples / 16000)
    return np.array(waits)


@pytest.mark.parametrize("rate", [16000.0, 16003.2, 15996.8])
def test_a_microphone_that_is_never_flushed_stays_close(speech: NDArray[np.int16], rate: float) -> None:
    """With the 80 ms of look-ahead: 120 ms at most, for 30 minutes, whichever clock is the faster."""
    assert microphone_waits(speech, 30, rate).max() <= 0.040


def test_a_microphone_catches_up_after_a_stall(speech: NDArray[np.int16]) -> None:
    waits = microphone_waits(speech, 2, 16000.0, stall=10)
    assert waits[:700].min() > 0.3
    assert waits[-500:].max() <= 0.040


def test_speech_that_is_not_live_is_never_cut(speech: NDArray[np.int16]) -> None:
    """Pushed faster than it plays, with silence in it, for a minute, without a flush until the end."""
    said = np.concatenate([speech, np.zeros(16000 * 5, np.int16)] * 6)
    queue, out, pushed = TickQueue(), [], 0
    while pushed < said.size or queue.samples:
        if pushed < said.size:
            queue.push(said[pushed : pushed + 900], "m")
            pushed += 900
            if pushed >= said.size:
                queue.close()
        tick = queue.pop()
        if tick is not None:
            out.append(tick.samples)
    assert np.array_equal(np.concatenate(out), said)


async def test_a_full_input_makes_push_audio_wait_and_loses_nothing(fixture: Fixture, speech: NDArray[np.int16]) -> None:
    said = speech[: 60 * TICK]
    async with AsyncBithuman(fixture, clock=SimulatedClock(), input_buffer_size=5) as runtime:
        most = 0

        async def push() -> None:
            nonlocal most
            for start in range(0, said.size, TICK):
                await runtime.push_audio(said[start : start + TICK], 16000, last_chunk=start + TICK >= said.size)
                most = max(most, runtime._session.waiting_samples)

        task = asyncio.create_task(push())
        frames = []
        async for frame in runtime.run():
            frames.append(frame)
            if frame.end_of_speech:
                break
        await task
        assert np.array_equal(heard(frames), said)
        assert most <= 6 * TICK


@pytest.mark.parametrize("how", ["interrupt", "shutdown"])
async def test_a_push_that_waits_is_let_go(fixture: Fixture, speech: NDArray[np.int16], how: str) -> None:
    async with AsyncBithuman(fixture, clock=SimulatedClock(), input_buffer_size=1) as runtime:
        await runtime.push_audio(speech[:TICK], 16000, last_chunk=False)
        task = asyncio.create_task(runtime.push_audio(speech[:TICK], 16000))
        await asyncio.sleep(0)
        assert not task.done()
        if how == "interrupt":
            runtime.interrupt()
            await task
        else:
            await runtime.shutdown()
            with pytest.raises(RuntimeNotReadyError):
                await task


async def test_more_than_an_hour_of_waiting_sound_is_refused(runtime: AsyncBithuman) -> None:
    await runtime.push_audio(np.zeros(MAX_WAITING + 1, np.int16), 16000, last_chunk=False)
    with pytest.raises(AudioError, match="hour"):
        await runtime.push_audio(b"\0\0", 16000)
    runtime.interrupt()
    await runtime.push_audio(b"\0\0", 16000)


async def test_a_muted_avatar_does_not_speak(runtime: AsyncBithuman, speech: NDArray[np.int16]) -> None:
    runtime.set_muted(True)
    await runtime.push_audio(speech[: 10 * TICK], 16000)
    runtime.set_muted(False)
    await runtime.push_audio(speech[:TICK], 16000)
    runtime.set_idle_timeout(0.5)
    assert np.array_equal(heard([frame async for frame in runtime.run()]), speech[:TICK])


@each_kind
async def test_a_pause_inside_a_sentence_is_no_end(runtime: AsyncBithuman, speech: NDArray[np.int16]) -> None:
    """The sound stops coming for a while: the avatar waits, keeps the name of the utterance, and nothing jumps."""
    await runtime.push_audio(speech[: 20 * TICK], 16000, last_chunk=False)
    frames = []
    async for frame in runtime.run():
        frames.append(frame)
        if len(frames) == 35:
            await runtime.push_audio(speech[20 * TICK : 40 * TICK], 16000)
        if frame.end_of_speech:
            break
    assert np.array_equal(heard(frames), speech[: 40 * TICK])
    assert sum(f.end_of_speech for f in frames) == 1
    assert len({f.source_message_id for f in frames if f.audio_chunk}) == 1
    pictures = np.array([np.asarray(f.bgr_image)[::4, ::4] for f in frames]).astype(float)
    steps = np.abs(np.diff(pictures, axis=0)).mean(axis=(1, 2, 3))
    assert steps[18:40].max() < 2.0 * steps.max(initial=0, where=np.arange(steps.size) < 18)


@pytest.mark.parametrize(
    ("avatar_path", "other"), [("mara", "theo"), ("theo", "film"), ("film", "theo")], indirect=["avatar_path"]
)
async def test_another_avatar_fades_in_while_the_speech_goes_on(
    runtime: AsyncBithuman, other: str, speech: NDArray[np.int16], request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue("film").path if other == "film" else models_dir() / f"{other}.imx"
    before, first = runtime.model_hash, runtime.get_first_frame().astype(float)
    await runtime.push_audio(speech[: 40 * TICK], 16000)
    pictures, frames = [], []
    async for frame in runtime.run():
        frames.append(frame)
        pictures.append(np.asarray(frame.bgr_image)[::4, ::4].astype(float))
        if len(frames) == 15:
            assert await runtime.set_model(path) is runtime
        if frame.end_of_speech:
            break
    assert np.array_equal(heard(frames), speech[: 40 * TICK])
    assert runtime.model_hash != before
    assert np.abs(runtime.get_first_frame() - first).mean() > 5.0
    steps = np.abs(np.diff(pictures, axis=0)).mean(axis=(1, 2, 3))
    whole = np.abs(pictures[-1] - pictures[10]).mean()
    assert steps.max() < 0.3 * whole, "the change is spread over many frames"


async def test_frames_keep_their_size_whoever_is_shown(
    fixture: Fixture, film: Filmed, tmp_path: Path, speech: NDArray[np.int16]
) -> None:
    """A film of another shape takes over from a portrait, and gives way to it again."""
    wide = tmp_path / "wide.imx"
    manifest, arrays, _ = footage_arrays(read_footage(lambda: film.frames[75:110], aspect="16:9"), "wide")
    write_imx(wide, manifest, arrays)
    async with AsyncBithuman(fixture, clock=SimulatedClock(), output_size=256) as runtime:
        await runtime.push_audio(speech[: 60 * TICK], 16000)
        frames = []
        async for frame in runtime.run():
            frames.append(frame)
            if len(frames) in (15, 40):
                await runtime.set_model(wide if len(frames) == 15 else models_dir() / "mara.imx")
            if frame.end_of_speech:
                break
    assert {np.asarray(f.bgr_image).shape for f in frames} == {(256, 256, 3)}
    assert np.array_equal(heard(frames), speech[: 60 * TICK])


async def test_an_avatar_that_cannot_be_loaded_changes_nothing(runtime: AsyncBithuman) -> None:
    before = runtime.model_hash
    with pytest.raises(ModelNotFoundError):
        await runtime.set_model("none.imx")
    assert runtime.model_hash == before
    async for frame in runtime.run():
        assert frame.has_image
        break


async def test_idle_styles(runtime: AsyncBithuman) -> None:
    await runtime.push(VideoControl(target_video="calm"))
    await runtime.push(VideoControl(target_video="idle"))
    with pytest.raises(ValueError, match="known are: idle, calm"):
        await runtime.push(VideoControl(target_video="dance"))


async def test_cancellation_anywhere_leaves_a_runtime_that_works(runtime: AsyncBithuman, speech: NDArray[np.int16]) -> None:
    for turns in range(0, 12):

        async def consume() -> None:
            async for _ in runtime.run():
                pass

        task = asyncio.create_task(consume())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
    runtime.interrupt()
    await runtime.push_audio(speech[:TICK], 16000)
    runtime.set_idle_timeout(0.3)
    assert np.array_equal(heard([frame async for frame in runtime.run()]), speech[:TICK])


@each_kind
async def test_cleanup_while_frames_are_taken_elsewhere(fixture: Fixture, speech: NDArray[np.int16]) -> None:
    """What plugins do: aclose() calls cleanup() from another task, at any moment."""
    for turns in range(0, 20, 3):
        runtime = AsyncBithuman(fixture, clock=SimulatedClock())
        await runtime.push_audio(speech, 16000)

        async def consume(runtime: AsyncBithuman = runtime) -> int:
            return len([frame async for frame in runtime.run()])

        task = asyncio.create_task(consume())
        for _ in range(turns):
            await asyncio.sleep(0.001)
        runtime.cleanup()
        await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), 5)
        error = task.exception()
        assert error is None or isinstance(error, RuntimeNotReadyError)


@each_kind
async def test_eighty_lives_leave_nothing_behind(avatar_path: Path, speech: NDArray[np.int16]) -> None:
    """Each loads its avatar anew, speaks and is shut down."""
    process = psutil.Process()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))  # its threads, each with memory, come when they like

    async def live() -> None:
        async with await AsyncBithuman.create(model_path=str(avatar_path)) as runtime:
            await runtime.push_audio(speech[:TICK], 16000)
            async for _ in runtime.run():
                break
            executor = runtime._executor
        executor.shutdown(wait=True)

    for _ in range(20):
        await live()
    gc.collect()
    threads, files, memory = threading.active_count(), process.num_fds(), process.memory_info().rss
    for _ in range(60):
        await live()
    gc.collect()
    assert threading.active_count() <= threads
    assert process.num_fds() <= files
    assert process.memory_info().rss - memory < 7 * 2**20, "less than an eighth of a MiB each"


@each_kind
def test_sessions_share_their_avatar(fixture: Fixture) -> None:
    """One more session on a loaded avatar costs little memory."""
    process = psutil.Process()
    sessions = [Bithuman(fixture) for _ in range(2)]
    for session in sessions:
        next(iter(session.process(VideoControl())))
    before = process.memory_info().rss
    more = [Bithuman(fixture) for _ in range(8)]
    for session in more:
        next(iter(session.process(VideoControl())))
    assert (process.memory_info().rss - before) / len(more) < 15 * 2**20
    pictures = [next(iter(session.process(VideoControl()))).bgr_image for session in more]
    assert all(np.array_equal(np.asarray(pictures[0]), np.asarray(picture)) for picture in pictures[1:])


@each_kind
def test_loading_another_way_gives_the_same_fixture(avatar_path: Path) -> None:
    assert Fixture(avatar_path).manifest == Fixture.load(avatar_path).manifest

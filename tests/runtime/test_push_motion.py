"""Motion that a program pushes: in step with the sound however both come, dropped by an interruption, life before and after."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator

import numpy as np
import pytest
from numpy.typing import NDArray

from bithuman_core import AsyncBithuman, Bithuman, Fixture, MotionError, RuntimeNotReadyError, VideoFrame
from bithuman_core.engine import Engine, cut_into_ticks, render_ticks
from bithuman_core.face import FaceState
from bithuman_core.motion.take import MotionFrame, take_of
from bithuman_core.runtime import session
from bithuman_core.timing import LOOKAHEAD_TICKS
from tests.simulated import SimulatedClock

Shown = list[tuple[FaceState, NDArray[np.int16] | None]]


@pytest.fixture
async def runtime(fixture: Fixture) -> AsyncIterator[AsyncBithuman]:
    async with AsyncBithuman(fixture, clock=SimulatedClock()) as made:
        yield made


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """The face and sound of every frame that is made."""
    made: Shown = []
    animate = Engine.animate

    def noting(
        self: Engine, samples: NDArray[np.int16] | None = None, motion: MotionFrame | None = None
    ) -> tuple[FaceState, NDArray[np.int16] | None]:
        made.append(animate(self, samples, motion))
        return made[-1]

    monkeypatch.setattr(Engine, "animate", noting)
    return made


async def frames_of(runtime: AsyncBithuman, count: int) -> list[VideoFrame]:
    frames: list[VideoFrame] = []
    async for frame in runtime.run():
        frames.append(frame)
        if len(frames) == count:
            break
    return frames


def jaws(count: int) -> NDArray[np.float32]:
    """A number for each tick."""
    return np.linspace(0.1, 0.9, count, dtype=np.float32)


async def test_pushed_or_rendered_the_frames_are_the_same(
    runtime: AsyncBithuman, fixture: Fixture, speech: NDArray[np.int16]
) -> None:
    rng = np.random.default_rng(0)
    moves, head, clip = rng.uniform(0, 1, (20, 52)), rng.uniform(-8, 8, (20, 3)), speech[: 20 * 640]
    await runtime.push_motion(moves, head)
    await runtime.push_audio(clip, 16000)
    live = (await frames_of(runtime, 20 + LOOKAHEAD_TICKS))[LOOKAHEAD_TICKS:]
    film = render_ticks(fixture, cut_into_ticks(clip), 0, take_of(moves, head).frames())
    assert all(np.array_equal(np.asarray(a.bgr_image), b.frame) for a, b in zip(live, film, strict=True))


@pytest.mark.parametrize("rate", [16000, 24000])
async def test_each_tick_of_sound_has_its_own_motion_whatever_comes_late(runtime: AsyncBithuman, shown: Shown, rate: int) -> None:
    """A voice that is slower than speech starves its avatar again and again: motion waits with the sound."""
    count, rng = 60, np.random.default_rng(3)
    sound = np.repeat(np.arange(1, count + 1, dtype=np.int16), 640 * rate // 16000)
    at, moved = 0, 0
    while at < sound.size:
        size = int(rng.integers(100, 3000))
        upto = min(-(-(at + size) * 16000 // rate // 640), count)
        if upto > moved:
            await runtime.push_motion({"jawOpen": jaws(count)[moved:upto]})
        at, moved = at + size, max(upto, moved)
        await runtime.push_audio(sound[at - size : at], rate, last_chunk=False)
        await frames_of(runtime, int(rng.integers(1, 7)))
    await runtime.flush()
    await frames_of(runtime, 30)
    heard = [(face["jawOpen"], audio) for face, audio in shown if audio is not None]
    assert len(heard) == count
    assert [jaw for jaw, _ in heard] == pytest.approx(jaws(count).tolist())
    assert len(shown) > count + 40, "there were pauses"


async def test_motion_alone_plays_at_once_in_silence(runtime: AsyncBithuman, shown: Shown) -> None:
    await runtime.push_motion({"jawOpen": jaws(10)})
    frames = await frames_of(runtime, 40)
    assert all(frame.audio_chunk is None and not frame.end_of_speech for frame in frames)
    assert [face["jawOpen"] for face, _ in shown[LOOKAHEAD_TICKS:][:10]] == pytest.approx(jaws(10).tolist())
    assert shown[-1][0]["jawOpen"] < 0.03


async def test_an_interruption_drops_motion_that_waits_or_is_inside(runtime: AsyncBithuman, shown: Shown) -> None:
    await runtime.push_motion(np.full((200, 52), 0.7), np.full((200, 3), 9.0))
    await frames_of(runtime, 30)
    await runtime.interrupt()
    await frames_of(runtime, 30)
    assert shown[29][0]["jawOpen"] == pytest.approx(0.7)
    assert max(face["jawOpen"] for face, _ in shown[40:]) < 0.1
    steps = np.abs(np.diff([face["headYaw"] for face, _ in shown[25:]]))
    assert steps.max() < 0.45 * 9.0, "the head goes, it does not jump"


async def test_a_pause_and_a_session_that_only_moves(runtime: AsyncBithuman, shown: Shown) -> None:
    await runtime.push_motion({"jawOpen": jaws(10)})
    runtime.pause()
    await frames_of(runtime, 10)
    assert max(face["jawOpen"] for face, _ in shown) < 0.05
    runtime.resume()
    ended = [frame async for frame in runtime.run(idle_timeout=0.4)]
    assert len(ended) > 10 + 0.4 * 25 - 4, "motion that waits is no idleness"


async def test_a_sound_that_is_muted_keeps_no_motion_waiting(runtime: AsyncBithuman, shown: Shown) -> None:
    runtime.set_muted(True)
    await runtime.push_audio(np.ones(6400, np.int16), 16000, last_chunk=False)
    await runtime.push_motion({"jawOpen": jaws(10)})
    await frames_of(runtime, 14)
    assert max(face["jawOpen"] for face, _ in shown) == pytest.approx(0.9)


async def test_what_is_no_motion_is_refused_and_nothing_of_it_done(
    runtime: AsyncBithuman, monkeypatch: pytest.MonkeyPatch, fixture: Fixture
) -> None:
    for wrong in ({"smile": 1.0}, np.full((3, 52), np.nan), np.zeros((3, 7)), {"jawOpen": [[1.0]]}):
        with pytest.raises(MotionError):
            await runtime.push_motion(wrong)
    monkeypatch.setattr(session, "MAX_MOTION", 10)
    await runtime.push_motion(np.zeros((8, 52)))
    with pytest.raises(MotionError, match="an hour"):
        await runtime.push_motion(np.zeros((3, 52)))
    await runtime.shutdown()
    with pytest.raises(RuntimeNotReadyError):
        await runtime.push_motion(np.zeros((1, 52)))


def test_threads_may_push_at_once(fixture: Fixture, shown: Shown) -> None:
    runtime = Bithuman(fixture, sleep=lambda _: None, now=lambda: 0.0)

    def push() -> None:
        for _ in range(50):
            runtime.push_motion({"jawOpen": 0.5})

    threads = [threading.Thread(target=push) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    frames = runtime.run()
    for _ in range(210):
        next(frames)
    assert sum(face["jawOpen"] == 0.5 for face, _ in shown) == 200
    runtime.cleanup()

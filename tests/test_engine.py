"""The pure pipeline: deterministic, aligned, alive."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bithuman_core.engine import Engine, Fixture, cut_into_ticks, render_clip
from bithuman_core.face import INDEX, indices


def faces(fixture: Fixture, samples: NDArray[np.int16], seed: int = 0) -> NDArray[np.float32]:
    engine = Engine(fixture, seed)
    return np.array([engine.animate(tick)[0].values for tick in cut_into_ticks(samples)])


def test_a_seed_gives_the_same_frames(fixture: Fixture, speech: NDArray[np.int16]) -> None:
    runs = [[tick.frame for tick in render_clip(fixture, speech[:16000], seed=3)] for _ in range(2)]
    assert len(runs[0]) == 25
    assert all(np.array_equal(a, b) for a, b in zip(*runs, strict=True))


def test_a_clip_has_its_own_sound_frame_by_frame(fixture: Fixture, speech: NDArray[np.int16]) -> None:
    clip = speech[: 10 * 640 + 5]
    ticks = list(render_clip(fixture, clip))
    assert len(ticks) == 11
    assert np.array_equal(np.concatenate([t.audio for t in ticks if t.audio is not None]), clip)


def test_two_sessions_on_one_avatar_do_not_touch_each_other(fixture: Fixture, speech: NDArray[np.int16]) -> None:
    alone = Engine(fixture, 1)
    expected = [alone.step(tick).frame for tick in cut_into_ticks(speech[:8000])]
    one, other = Engine(fixture, 1), Engine(fixture, 2)
    for tick, frame in zip(cut_into_ticks(speech[:8000]), expected, strict=True):
        other.step(tick[::-1].copy())
        assert np.array_equal(one.step(tick).frame, frame)


def test_the_mouth_speaks_and_rests_in_silence(fixture: Fixture, speech: NDArray[np.int16]) -> None:
    silence = np.zeros(32000, np.int16)
    jaw = faces(fixture, np.concatenate([speech, silence]))[:, INDEX["jawOpen"]]
    said, rest = jaw[: speech.size // 640], jaw[-40:]
    assert said.max() > 0.1
    assert said.std() > 0.03
    assert rest.max() < 0.02


def test_lips_stay_closed_on_pure_silence_and_hiss(fixture: Fixture) -> None:
    hiss = (20 * np.random.default_rng(0).standard_normal(64000)).astype(np.int16)
    for sound in (np.zeros(64000, np.int16), hiss):
        engine = Engine(fixture)
        gaps = [fixture.rig.measure(engine.animate(tick)[0]).gap for tick in cut_into_ticks(sound)]
        assert np.mean(np.array(gaps) < 0.03) > 0.98


def test_speech_to_idle_has_no_jump(fixture: Fixture, speech: NDArray[np.int16]) -> None:
    """Where an utterance ends the face moves on: no step larger than the speech itself makes."""
    motion = faces(fixture, np.concatenate([speech, np.zeros(32000, np.int16)]))
    quick = indices("jawOpen", "headYaw", "headPitch", "headRoll", "mouthPucker", "mouthFunnel")
    steps = np.abs(np.diff(motion[:, quick], axis=0))
    end = speech.size // 640
    assert np.all(steps[end - 3 : end + 20].max(axis=0) <= steps[:end].max(axis=0) + 0.15)


def test_the_head_and_brows_live_with_the_speech(fixture: Fixture, speech: NDArray[np.int16]) -> None:
    spoken = faces(fixture, speech)
    quiet = faces(fixture, np.zeros_like(speech))
    for name in ("headPitch", "browInnerUp"):
        assert spoken[:, INDEX[name]].std() > quiet[:, INDEX[name]].std()


def test_reset_forgets_the_sound_inside(fixture: Fixture, speech: NDArray[np.int16]) -> None:
    engine = Engine(fixture)
    for tick in cut_into_ticks(speech[: 640 * 20]):
        engine.animate(tick)
    engine.reset()
    rest = [engine.animate(None) for _ in range(30)]
    assert all(audio is None for _, audio in rest)
    assert rest[-1][0]["jawOpen"] < 0.02

"""Idle life and the mixer: alive, calm, seeded, without a jump."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bithuman_core.face import ARKIT_NAMES, FACE_NAMES, INDEX, indices
from bithuman_core.motion import Gesture, Mixer
from bithuman_core.motion.blink import CLOSE_SECONDS, OPEN_SECONDS, closure
from bithuman_core.motion.idle import IdleLife
from bithuman_core.motion.noise import SmoothNoise
from bithuman_core.motion.prosody import Prosody, level_db
from bithuman_core.speech.net import SpeechTick


def heard(*mouth: float, voice: float = 1.0) -> SpeechTick:
    """What the net says of a tick: a mouth, no viseme in particular."""
    return SpeechTick(np.array(mouth, np.float32), np.full(15, 1 / 15, np.float32), voice)


MOUTH = ("jawOpen", "mouthPucker", "mouthPressLeft", "mouthPressRight")
silence = np.zeros(640, np.float32)
SECONDS = 120


def idle(seed: int, seconds: float = SECONDS) -> NDArray[np.float32]:
    life = IdleLife(np.random.default_rng(seed))
    return np.array([life.next() for _ in range(int(25 * seconds))])


def column(motion: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    return motion[:, INDEX[name]]


def test_a_seed_gives_the_same_life_and_another_seed_another() -> None:
    assert np.array_equal(idle(1, 10), idle(1, 10))
    assert not np.allclose(idle(1, 10), idle(2, 10))


def test_every_value_stays_in_its_range() -> None:
    motion = idle(3)
    assert motion[:, : len(ARKIT_NAMES)].min() >= 0.0
    assert motion[:, : len(ARKIT_NAMES)].max() <= 1.0
    assert np.abs(motion[:, indices("headYaw", "headPitch", "headRoll")]).max() < 6.0


@pytest.mark.parametrize("seed", range(4))
def test_people_blink_every_few_seconds(seed: int) -> None:
    lids = column(idle(seed), "eyeBlinkLeft")
    starts = np.flatnonzero((lids[1:] > 0) & (lids[:-1] == 0)) / 25
    assert 2.0 < SECONDS / starts.size < 6.0
    assert np.diff(starts).std() > 0.5
    assert lids.max() > 0.9
    assert (lids > 0).mean() < 0.15


def test_a_blink_closes_faster_than_it_opens_and_is_over_in_time() -> None:
    ages = np.linspace(0, 0.5, 501)
    lids = np.array([closure(age) for age in ages])
    assert closure(0.0) == 0.0
    assert closure(CLOSE_SECONDS) == pytest.approx(1.0)
    assert ages[lids.argmax()] < 0.5 * (CLOSE_SECONDS + OPEN_SECONDS)
    assert lids[ages > CLOSE_SECONDS + OPEN_SECONDS].max() == 0.0


def test_the_head_never_jumps_and_never_freezes() -> None:
    angles = idle(5)[:, indices("headYaw", "headPitch", "headRoll")]
    speed = np.linalg.norm(np.diff(angles, axis=0), axis=1) * 25  # degrees a second
    assert speed.max() < 12.0
    seconds = np.lib.stride_tricks.sliding_window_view(speed, 25).max(axis=1)
    assert seconds.min() > 0.1


def test_noise_is_smooth_bounded_and_centred() -> None:
    noise = SmoothNoise(np.random.default_rng(0), 2, period=1.0)
    curve = np.array([noise.next() for _ in range(20_000)])
    assert np.abs(curve).max() <= 1.5
    assert np.abs(curve.mean(axis=0)).max() < 0.1  # 800 knots: three standard errors
    assert np.abs(np.diff(curve, 2, axis=0)).max() < 0.02


def test_the_eyes_hold_the_viewer_while_the_head_drifts() -> None:
    motion = idle(7)
    to_image_right = 25.0 * (column(motion, "eyeLookOutLeft") - column(motion, "eyeLookInLeft"))
    assert np.corrcoef(to_image_right, column(motion, "headYaw"))[0, 1] < -0.3
    assert np.median(np.abs(to_image_right + 25 * 0.12 + column(motion, "headYaw"))) < 2.0


def test_levels_are_decibels_of_full_scale() -> None:
    tone = np.sin(2 * np.pi * 100 * np.arange(640) / 640).astype(np.float32)
    assert level_db(tone) == pytest.approx(-3.01, abs=0.01)
    assert level_db(0.1 * tone) == pytest.approx(-23.01, abs=0.01)
    assert level_db(silence) == -50.0


def test_a_phrase_ends_once_and_only_after_speech() -> None:
    prosody, ends = Prosody(), []
    for tick in range(200):
        voiced = 50 <= tick < 100
        prosody.push(silence + 0.1 * voiced, float(voiced))
        ends.append(prosody.phrase_ended)
    assert sum(ends) == 1
    assert 100 < ends.index(True) < 110


def test_the_mouth_is_the_nets_and_closed_without_it() -> None:
    mixer = Mixer(MOUTH, seed=0)
    spoken = mixer.next(heard(0.4, 0.2, 0.0, 0.0), silence)
    assert spoken["jawOpen"] == pytest.approx(0.4)
    assert spoken["mouthPucker"] == pytest.approx(0.2)
    quiet = [mixer.next(heard(0, 0, 0, 0, voice=0.0), silence) for _ in range(25)]
    assert all(face["jawOpen"] == 0.0 for face in quiet)


def test_an_interrupted_mouth_closes_quickly_but_without_a_jump() -> None:
    mixer = Mixer(MOUTH, seed=0)
    mixer.next(heard(0.6, 0, 0, 0), silence)
    mixer.cut()
    jaw = [mixer.next(heard(0, 0, 0, 0, voice=0.0), silence)["jawOpen"] for _ in range(8)]
    assert 0.2 < jaw[0] < 0.6
    assert np.all(np.diff(jaw) <= 0)
    assert jaw[-1] < 0.01


def test_stress_moves_the_head_and_brows() -> None:
    def run(level: float) -> NDArray[np.float32]:
        mixer = Mixer(MOUTH, seed=0)
        for _ in range(50):
            mixer.next(heard(0, 0, 0, 0), silence + 0.03)
        return mixer.next(heard(0, 0, 0, 0), silence + level).values

    change = run(0.3) - run(0.03)
    assert change[INDEX["headPitch"]] < -0.1
    assert change[INDEX["browInnerUp"]] > 0.01
    moved = {name for name, value in zip(FACE_NAMES, change, strict=True) if abs(value) > 1e-6}
    assert moved == {"headPitch", "browInnerUp", "browOuterUpLeft", "browOuterUpRight"}


def test_stillness_calms_everything_but_blinks_breath_and_speech() -> None:
    def run(stillness: float) -> NDArray[np.float32]:
        mixer = Mixer(MOUTH, seed=4)
        mixer.stillness = stillness
        return np.array([mixer.next(heard(0.3 * (k % 5 == 0), 0, 0, 0, voice=0.0), silence).values for k in range(500)])

    lively, calm = run(0.0), run(1.0)
    head = indices("headYaw", "headPitch", "headRoll", "eyeLookUpLeft", "browInnerUp")
    assert np.ptp(calm[:, head], axis=0).max() < 1e-6 < np.ptp(lively[:, head], axis=0).min()
    kept = indices("eyeBlinkLeft", "headY", "jawOpen")
    assert np.array_equal(calm[:, kept], lively[:, kept])


def test_a_listener_looks_at_the_user_and_nods() -> None:
    def run(listening: bool) -> NDArray[np.float32]:
        life = IdleLife(np.random.default_rng(9))
        return np.array([life.next(listening=listening) for _ in range(1500)])

    away, attentive = run(False), run(True)

    def wander(motion: NDArray[np.float32]) -> float:
        eyes = column(motion, "eyeLookOutLeft") - column(motion, "eyeLookInLeft")
        return float((eyes + column(motion, "headYaw") / 25).std())

    assert wander(attentive) < 0.5 * wander(away)
    pitch = column(attentive, "headPitch") - column(away, "headPitch")
    lowest = (pitch[1:-1] < pitch[:-2]) & (pitch[1:-1] < pitch[2:]) & (pitch[1:-1] < -3.0)
    assert 10 < lowest.sum() < 40


def test_a_gesture_is_cut_where_the_avatar_begins_to_speak() -> None:
    clip = {"nod": Gesture.from_manifest("nod", {"headPitch": [[0, 0], [1, -8], [4, -8], [5, 0]]})}
    for flag, runs_on in ((False, True), (True, False)):
        mixer = Mixer(MOUTH, seed=0, gestures=clip)
        mixer.gestures.play("nod", stop_on_agent_speech=flag)
        for tick in range(40):
            mixer.next(heard(0, 0, 0, 0, voice=float(tick > 10)), silence)
        assert (mixer.gestures.playing == "nod") == runs_on

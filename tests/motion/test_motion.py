"""Idle life and the mixer: alive, calm, seeded, without a jump. Statistics over ten simulated minutes."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from bithuman_core.face import ARKIT_NAMES, BREATH, INDEX, FaceState, indices
from bithuman_core.motion import Gesture, Mixer
from bithuman_core.motion.blink import CLOSE_SECONDS, OPEN_SECONDS, closure
from bithuman_core.motion.gaze import EYE_UP, EYE_YAW, VIEWER_CONVERGENCE, aim
from bithuman_core.motion.idle import IdleLife, Moment
from bithuman_core.motion.noise import SmoothNoise
from bithuman_core.motion.reach import Reach
from bithuman_core.motion.spring import Spring
from bithuman_core.speech.net import SpeechTick

Motion = NDArray[np.float32]
MOUTH = ("jawOpen", "mouthPucker", "mouthPressLeft", "mouthPressRight")
HEAD_ANGLES = indices("headYaw", "headPitch", "headRoll")
silence = np.zeros(640, np.float32)


def heard(*mouth: float, voice: float = 1.0) -> SpeechTick:
    """What the net says of a tick: a mouth, no viseme in particular."""
    return SpeechTick(np.array(mouth, np.float32), np.full(15, 1 / 15, np.float32), voice, np.full(41, 1 / 41, np.float32))


@cache
def idle(seed: int, seconds: float = 600) -> tuple[Motion, NDArray[np.float64]]:
    """Faces with eyes straight ahead, and gaze (yaw, pitch), of every tick."""
    life = IdleLife(np.random.default_rng(seed))
    faces, gazes = [], []
    for _ in range(int(25 * seconds)):
        faces.append(life.next(Moment()))
        gazes.append(life.gaze)
    return np.array(faces), np.array(gazes)


def column(motion: Motion, name: str) -> Motion:
    return motion[:, INDEX[name]]


def runs(mask: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First ticks of every run of True and the first ticks after them; runs cut by the ends are left out."""
    change = np.diff(mask.astype(np.int8))
    starts, ends = np.flatnonzero(change == 1) + 1, np.flatnonzero(change == -1) + 1
    ends = ends[ends > starts[0]]
    return starts[: ends.size], ends


def test_a_seed_gives_the_same_life_and_another_seed_another() -> None:
    life = IdleLife(np.random.default_rng(1))
    again = np.array([life.next(Moment()) for _ in range(250)])
    assert np.array_equal(idle(1)[0][:250], again)
    assert not np.allclose(idle(1)[0][:250], idle(2)[0][:250])


def test_every_value_stays_in_its_range() -> None:
    motion, gaze = idle(3)
    assert motion[:, : len(ARKIT_NAMES)].min() >= 0.0
    assert motion[:, : len(ARKIT_NAMES)].max() <= 1.0
    assert np.abs(motion[:, HEAD_ANGLES]).max() < 8.0
    assert np.abs(gaze).max() < 16.0


# -- blinks ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(3))
def test_people_blink_every_few_seconds(seed: int) -> None:
    """Blinks last .2 to .3 s, most intervals 2 to 6 s, log-normal: skewed in seconds, even in their logarithm."""
    starts, ends = runs(column(idle(seed)[0], "eyeBlinkLeft") > 0)
    assert 0.18 < np.median(ends - starts) / 25 < 0.32
    intervals = np.diff(starts) / 25
    single = intervals[intervals > 1.0]
    assert 0.02 < (intervals < 0.6).mean() < 0.25  # double blinks
    assert 2.5 < np.median(single) < 4.0
    assert ((single > 2.0) & (single < 6.0)).mean() > 0.7

    def skew(x: NDArray[np.floating]) -> float:
        return float(((x - x.mean()) ** 3).mean() / x.std() ** 3)

    assert skew(single) > 0.35 > abs(skew(np.log(single)))


def test_blinks_differ_from_each_other() -> None:
    lids = column(idle(0)[0], "eyeBlinkLeft")
    starts, ends = runs(lids > 0)
    deepest = np.array([lids[a:b].max() for a, b in zip(starts, ends, strict=True)])
    assert deepest.min() > 0.7
    assert deepest.max() > 0.97
    assert deepest.std() > 0.02


def test_a_blink_closes_faster_than_it_opens_and_is_over_in_time() -> None:
    ages = np.linspace(0, 0.5, 501)
    lids = np.array([closure(age) for age in ages])
    assert closure(0.0) == 0.0
    assert closure(CLOSE_SECONDS) == pytest.approx(1.0)
    assert ages[lids.argmax()] < 0.5 * (CLOSE_SECONDS + OPEN_SECONDS)
    assert lids[ages > CLOSE_SECONDS + OPEN_SECONDS].max() == 0.0


def test_phrase_ends_invite_blinks() -> None:
    def share_after(ends_phrases: bool) -> float:
        """Of the moments every six seconds, how many are followed by a blink within .4 s."""
        life, lids = IdleLife(np.random.default_rng(6)), []
        for tick in range(15_000):
            lids.append(life.next(Moment(speaking=1.0, phrase_ended=ends_phrases and tick % 150 == 0))[INDEX["eyeBlinkLeft"]])
        begins = np.diff(np.array(lids) > 0, prepend=False)
        return float(np.mean([begins[k : k + 10].any() for k in range(0, 15_000, 150)]))

    assert share_after(True) > share_after(False) + 0.15


# -- head ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(3))
def test_the_head_rests_between_moves_and_never_jumps(seed: int) -> None:
    angles = idle(seed)[0][:, HEAD_ANGLES]
    speed = np.linalg.norm(np.diff(angles, axis=0), axis=1) * 25  # degrees a second
    acceleration = np.linalg.norm(np.diff(angles, 2, axis=0), axis=1) * 625
    assert speed.max() < 25.0
    assert acceleration.max() < 150.0
    assert 0.4 < (speed < 1.0).mean() < 0.9  # at rest more often than not ...
    starts, ends = runs(speed < 1.0)
    assert np.quantile(ends - starts, 0.9) / 25 < 9.0  # ... but not for long
    assert speed.min() < 0.05
    assert angles.std(axis=0).min() > 0.5


def test_nothing_repeats() -> None:
    """No lag between 2 s and 2 min at which head motion looks like itself, and no line in its spectrum."""
    speed = np.diff(idle(4)[0][:, INDEX["headYaw"]])
    speed = speed - speed.mean()
    power = np.abs(np.fft.rfft(speed, 2 * speed.size)) ** 2
    likeness = np.fft.irfft(power)[: 25 * 120] / np.fft.irfft(power)[0]
    assert np.abs(likeness[50:]).max() < 0.2
    lines = np.abs(np.fft.rfft(speed)) ** 2
    assert lines.max() / lines.sum() < 0.02


def test_a_breath_is_drawn_quicker_than_it_is_let_go_and_moves_the_head() -> None:
    motion = idle(5)[0]
    lungs = column(motion, BREATH)
    assert lungs.min() < 0.1
    assert 0.6 < lungs.max() <= 1.0
    rising, falling = np.diff(lungs) > 1e-3, np.diff(lungs) < -1e-3
    assert 1.2 < falling.sum() / rising.sum() < 2.2
    starts, _ = runs(rising)
    assert 12 <= starts.size / 10 <= 18  # a minute
    assert np.std(np.diff(starts)) / 25 > 0.2  # s
    assert np.abs(np.diff(lungs)).max() < 0.06
    assert np.corrcoef(column(motion, "headY"), lungs)[0, 1] < -0.9  # up with full lungs


def test_talkers_breathe_in_their_pauses_and_out_while_they_talk() -> None:
    life, lungs = IdleLife(np.random.default_rng(8)), []
    for tick in range(25 * 120):
        phase = tick % 125  # three seconds of speech, two of silence
        face = life.next(Moment(float(phase < 75), phrase_began=phase == 0, phrase_ended=phase == 80))
        lungs.append(face[INDEX[BREATH]])
    rounds = np.array(lungs).reshape(-1, 125)[2:]
    assert np.mean(rounds[:, 70] < rounds[:, 20] - 0.02) > 0.85
    assert np.mean(rounds[:, 95] > rounds[:, 80] + 0.05) > 0.6


# -- eyes ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(3))
def test_the_eyes_look_at_the_viewer_with_quick_saccades_and_glances(seed: int) -> None:
    gaze = idle(seed)[1]
    away = np.hypot(*gaze.T)
    assert 0.75 < (away < 4.5).mean() < 0.97
    assert (away > 6.0).any()
    speed = np.linalg.norm(np.diff(gaze, axis=0), axis=1) * 25
    moving = speed > 15.0
    assert moving.mean() < 0.15  # still between saccades
    starts, ends = runs(moving)
    assert np.max(ends - starts) <= 5
    assert 20 < starts.size / 10 < 120  # a minute
    glances, _ = runs(away > 5.5)
    assert 2 < glances.size / 10 < 12


def test_the_eyes_hold_what_they_look_at_while_the_head_turns() -> None:
    face = np.zeros(59, np.float32)
    face[INDEX["headYaw"]], face[INDEX["headPitch"]] = 8.0, -3.0
    aim(face, 0.0, 0.0)
    out_left, in_left, out_right, in_right = (
        face[INDEX[name]] for name in ("eyeLookOutLeft", "eyeLookInLeft", "eyeLookOutRight", "eyeLookInRight")
    )
    yaw = 0.5 * EYE_YAW * (out_left - in_left + in_right - out_right)
    assert yaw == pytest.approx(-8.0)
    assert EYE_UP * face[INDEX["eyeLookUpLeft"]] == pytest.approx(3.0)


def test_both_eyes_meet_at_the_viewer() -> None:
    face = np.zeros(59, np.float32)
    aim(face, 0.0, 0.0)
    assert FaceState(face).to_dict() == pytest.approx({"eyeLookInLeft": VIEWER_CONVERGENCE, "eyeLookInRight": VIEWER_CONVERGENCE})


def test_a_small_expression_comes_now_and_then_and_the_lips_stay_closed() -> None:
    motion = idle(2)[0]
    small = motion[:, indices("browInnerUp", "mouthSmileLeft", "mouthSmileRight", "eyeSquintLeft", "mouthPressLeft")].max(axis=1)
    starts, _ = runs(small > 0.02)
    assert 6 < starts.size / 10 < 25  # a minute
    assert small.max() < 0.3
    openers = ("jawOpen", "mouthFunnel", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight")
    assert not motion[:, indices(*openers)].any()


# -- listening -------------------------------------------------------------------------------------------------------
def test_a_listener_looks_at_the_user_and_nods() -> None:
    def run(listening: bool) -> tuple[Motion, NDArray[np.float64]]:
        life, gazes, faces = IdleLife(np.random.default_rng(9)), [], []
        for _ in range(1500):
            faces.append(life.next(Moment(listening=listening)))
            gazes.append(life.gaze)
        return np.array(faces), np.array(gazes)

    (_, wandering), (attentive, watching) = run(False), run(True)
    assert np.hypot(*watching[50:].T).max() < 4.5 < np.hypot(*wandering.T).max()
    pitch = column(attentive, "headPitch")
    around = np.lib.stride_tricks.sliding_window_view(pitch, 21)
    dips = (around[:, 10] == around.min(axis=1)) & (np.ptp(around, axis=1) > 1.2)
    assert 8 < dips.sum() < 40


# -- the mixer -------------------------------------------------------------------------------------------------------
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


def test_stillness_calms_everything_but_blinks_breath_and_speech() -> None:
    def run(stillness: float) -> Motion:
        mixer = Mixer(MOUTH, seed=4)
        mixer.stillness = stillness
        return np.array([mixer.next(heard(0.3 * (k % 5 == 0), 0, 0, 0, voice=0.0), silence).values for k in range(2000)])

    lively, calm = run(0.0), run(1.0)
    head = indices("headYaw", "headPitch", "headRoll", "eyeLookUpLeft", "browInnerUp")
    assert np.ptp(calm[:, head], axis=0).max() < 1e-6 < np.ptp(lively[:, head], axis=0).min()
    kept = indices("eyeBlinkLeft", "jawOpen", BREATH)
    assert np.ptp(calm[:, kept], axis=0).min() > 0.25


def test_a_fast_turn_of_the_head_often_comes_with_a_blink() -> None:
    def blinks(turns: bool) -> int:
        clip = {"turn": Gesture.from_manifest("turn", {"headYaw": [[0, 0], [0.3, 12], [0.9, 12], [1.2, 0]]})}
        count = 0
        for seed in range(40):
            mixer = Mixer(MOUTH, seed, gestures=clip)
            for _ in range(45):
                mixer.next(heard(0, 0, 0, 0, voice=0.0), silence)
            if turns:
                mixer.gestures.play("turn")
            count += max(mixer.next(heard(0, 0, 0, 0, voice=0.0), silence)["eyeBlinkLeft"] for _ in range(12)) > 0.5
        return count

    assert blinks(True) > blinks(False) + 6


def test_a_gesture_is_cut_where_the_avatar_begins_to_speak() -> None:
    clip = {"nod": Gesture.from_manifest("nod", {"headPitch": [[0, 0], [1, -8], [4, -8], [5, 0]]})}
    for flag, runs_on in ((False, True), (True, False)):
        mixer = Mixer(MOUTH, seed=0, gestures=clip)
        mixer.gestures.play("nod", stop_on_agent_speech=flag)
        for tick in range(40):
            mixer.next(heard(0, 0, 0, 0, voice=float(tick > 10)), silence)
        assert (mixer.gestures.playing == "nod") == runs_on


# -- the building stones ---------------------------------------------------------------------------------------------
def test_noise_is_smooth_bounded_and_centred() -> None:
    noise = SmoothNoise(np.random.default_rng(0), 2, period=1.0)
    curve = np.array([noise.next() for _ in range(20_000)])
    assert np.abs(curve).max() <= 1.5
    assert np.abs(curve.mean(axis=0)).max() < 0.1  # 800 knots: three standard errors
    assert np.abs(np.diff(curve, 2, axis=0)).max() < 0.02


def test_a_reach_is_the_minimum_jerk_path_and_bends_without_a_corner() -> None:
    reach = Reach([0.0])
    reach.go([1.0], 1.0)
    path = np.array([reach.next()[0] for _ in range(25)])
    t = np.arange(1, 26) / 25
    assert path == pytest.approx(10 * t**3 - 15 * t**4 + 6 * t**5)
    reach = Reach([0.0, 2.0])
    reach.go([1.0, 0.0], 1.0)
    bent = [reach.next() for _ in range(12)]
    reach.go([-1.0, 1.0], 0.8)
    bent += [reach.next() for _ in range(30)]
    assert np.abs(np.diff(np.array(bent), 2, axis=0)).max() < 0.05
    assert bent[-1] == pytest.approx([-1.0, 1.0])


def test_a_spring_settles_in_its_time_without_overshoot() -> None:
    spring = Spring([0.0], 0.5)
    path = np.array([spring.next(np.ones(1))[0] for _ in range(50)])
    assert np.all(np.diff(path) > 0)
    assert path[12] == pytest.approx(0.95, abs=0.02)  # .52 s
    assert path[-1] < 1.0

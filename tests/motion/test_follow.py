"""A take drives an avatar: to the number, alone or under speech, and life goes on around it and after it without a jump."""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray

from bithuman_core.engine import Engine, Fixture, cut_into_ticks, render_clip, render_ticks
from bithuman_core.face import ARKIT_NAMES, FACE_SIZE, INDEX, indices
from bithuman_core.motion.export import MotionFormat, write
from bithuman_core.motion.recording import speech_motion
from bithuman_core.motion.take import MotionFrame, Take, take_of
from bithuman_core.motion.take.handover import FALL, RISE, Handover
from bithuman_core.motion.take.reading import take_of_bytes
from bithuman_core.timing import LOOKAHEAD_TICKS
from tests.footage import Filmed

JAW, YAW = INDEX["jawOpen"], INDEX["headYaw"]
LOOKS = indices(*(name for name in ARKIT_NAMES if name.startswith("eyeLook")))


def performance(ticks: int) -> Take:
    """Somebody who moves everything, head and eyes too."""
    rng = np.random.default_rng(4)
    path = np.cumsum(rng.normal(0, 0.02, (ticks, 52)), axis=0) + rng.uniform(0.2, 0.8, 52)
    head = np.cumsum(rng.normal(0, 0.4, (ticks, 3)), axis=0)
    return take_of(path, head)


def faces(fixture: Fixture, samples: NDArray[np.int16], motion: Iterable[MotionFrame] = (), seed: int = 0) -> NDArray[np.float32]:
    """float32 [n, 59], aligned with both."""
    engine, frames, made = Engine(fixture, seed), iter(motion), []
    for tick in [*cut_into_ticks(samples), None, None]:
        made.append(engine.animate(tick, next(frames, None))[0].values)
    return np.array(made[LOOKAHEAD_TICKS:])


@pytest.mark.parametrize("form", [MotionFormat.CSV, MotionFormat.ARKIT_CSV, MotionFormat.JSON])
@pytest.mark.parametrize("kind", ["portrait", "footage"])
def test_motion_out_and_in_again_draws_the_very_same_frames(
    form: MotionFormat, kind: str, fixture: Fixture, speech: NDArray[np.int16], request: pytest.FixtureRequest
) -> None:
    if kind == "footage":
        film: Filmed = request.getfixturevalue("film")
        fixture = Fixture(film.path, fixture.net)
    clip = speech[: 30 * 640 + 99]
    file = io.StringIO(newline="")
    write(speech_motion(fixture.net, cut_into_ticks(clip), fixture.rig.measure), file, form, 25)
    take = take_of_bytes(file.getvalue().encode())
    spoken = [tick.frame for tick in render_clip(fixture, clip, seed=5)]
    driven = [tick.frame for tick in render_ticks(fixture, cut_into_ticks(clip), 5, take.frames())]
    assert len(spoken) == len(driven) == len(take) == 31
    assert all(np.array_equal(a, b) for a, b in zip(spoken, driven, strict=True))
    still = [tick.frame for tick in render_ticks(fixture, cut_into_ticks(np.zeros_like(clip)), 5)]
    assert not np.array_equal(spoken[20], still[20]), "or nothing would have been shown"


def test_a_performance_is_followed_to_the_number_from_its_first_frame(fixture: Fixture, speech: NDArray[np.int16]) -> None:
    take = performance(60)
    for sound in (speech[: 60 * 640], np.zeros(60 * 640, np.int16)):
        made = faces(fixture, sound, take.frames())
        assert np.array_equal(made[:, take.driven], take.values[:, take.driven])


def test_the_mouth_of_speech_may_be_kept_under_a_performance(fixture: Fixture, speech: NDArray[np.int16]) -> None:
    take, clip = performance(60).without_mouth(), speech[: 60 * 640]
    made, alone = faces(fixture, clip, take.frames()), faces(fixture, clip)
    assert np.array_equal(made[:, take.driven], take.values[:, take.driven])
    assert np.array_equal(made[:, JAW], alone[:, JAW]) and made[:, JAW].max() > 0.1


def test_what_a_take_leaves_out_lives(fixture: Fixture) -> None:
    take = take_of({"jawOpen": np.linspace(0, 0.5, 250), "headYaw": 8 * np.sin(np.arange(250) / 20)})
    made = faces(fixture, np.zeros(250 * 640, np.int16), take.frames())
    assert np.array_equal(made[:, YAW], take.values[:, YAW])
    assert made[:, INDEX["eyeBlinkLeft"]].max() > 0.8 and made[:, INDEX["breath"]].std() > 0.1
    gaze = 25 * (made[:, INDEX["eyeLookOutLeft"]] - made[:, INDEX["eyeLookInLeft"]]) + made[:, YAW]
    assert np.median(np.abs(gaze)) < 6, "its eyes stay on the viewer while the take turns the head"


@pytest.mark.parametrize("length", [20, 21, 33])
def test_life_goes_on_after_a_take_within_half_a_second_and_without_a_jump(
    fixture: Fixture, speech: NDArray[np.int16], length: int
) -> None:
    clip, take = speech[: 80 * 640], performance(length)
    made, alone = faces(fixture, clip, take.frames()), faces(fixture, clip)
    calm = np.setdiff1d(np.flatnonzero(take.driven), [*LOOKS, *indices("eyeBlinkLeft", "eyeBlinkRight")])  # eyes may jump
    apart = made - alone
    difference = np.abs(apart[length - 1, calm])
    steps = np.abs(np.diff(apart[length - 1 :], axis=0))[:, calm]
    furthest = 0.35 * (difference + np.abs(take.values[-1] - alone[length])[calm]) + 0.02
    assert np.all(steps <= furthest), "no jump beside life's own"
    mouth_and_brows = [JAW, INDEX["browInnerUp"], INDEX["mouthPucker"], YAW]
    assert np.allclose(apart[length + FALL :, mouth_and_brows], 0.0, atol=0.5), "half a second later it lives"
    assert np.array_equal(made[length + FALL :, JAW], alone[length + FALL :, JAW])


def test_a_take_that_comes_while_the_avatar_lives_is_taken_up_without_a_jump(fixture: Fixture) -> None:
    engine, take = Engine(fixture), performance(40)
    before = [engine.animate()[0].values for _ in range(50)]
    during = [engine.animate(None, frame)[0].values for frame in take.frames()][LOOKAHEAD_TICKS:]
    for name in ("headYaw", "headPitch", "browInnerUp", "mouthSmileLeft", "jawOpen"):
        k = INDEX[name]
        furthest = 0.25 * abs(take.values[0, k] - before[-1][k]) + (0.3 if name.startswith("head") else 0.03)
        assert abs(during[0][k] - before[-1][k]) <= furthest
    assert np.array_equal(np.array(during)[RISE:, JAW], take.values[RISE:-LOOKAHEAD_TICKS, JAW])


def test_an_interruption_closes_a_mouth_that_a_take_held_open(fixture: Fixture) -> None:
    for take in (take_of({"jawOpen": np.full(60, 0.6)}), take_of(np.full((60, 52), 0.6))):
        engine = Engine(fixture)
        held = [engine.animate(None, frame)[0]["jawOpen"] for frame in take.frames()]
        assert held[-1] == pytest.approx(0.6, abs=0.01)
        engine.reset()
        left = [engine.animate()[0]["jawOpen"] for _ in range(10)]
        assert left[0] < 0.6 and max(left[5:]) < 0.06 and np.all(np.diff(left[:5]) <= 0.01)


def test_a_handover_ends_exactly_where_it_goes() -> None:
    over, life, take = Handover(2), np.array([0.1, 0.2], np.float32), np.array([0.9, 0.8], np.float32)
    driven, none = np.array([True, False]), np.zeros(2, bool)
    assert over.next(life, take, none).tolist() == life.tolist()
    way = [over.next(life, take, driven) for _ in range(RISE)]
    assert way[-1][0] == take[0] and all(step[1] == life[1] for step in way)
    assert np.all(np.diff([life[0], *(step[0] for step in way)]) > 0)
    back = [over.next(life, take, none)[0] for _ in range(FALL)]
    assert back[-1] == life[0] and np.all(np.diff([take[0], *back]) < 0)
    assert take_of(np.zeros(52)).values.shape == (1, FACE_SIZE)

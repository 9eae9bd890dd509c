"""Expressions and gestures: readable, smooth, and never in the way of the lips."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bithuman_core.engine import Fixture
from bithuman_core.face import INDEX, FaceState
from bithuman_core.motion.expression import EXPRESSIONS, FADE_SECONDS, OPENERS, Expression
from bithuman_core.types import Emotion, EmotionPrediction


def settled(scores: dict[Emotion, float], speaking: float = 0.0, closed: float = 0.0) -> FaceState:
    expression = Expression(np.random.default_rng(0))
    expression.feel(scores)
    return FaceState([expression.next(speaking, closed) for _ in range(100)][-1])


def test_every_emotion_is_there_and_differs_from_the_others() -> None:
    faces = {emotion: settled({emotion: 1.0}).values for emotion in Emotion}
    assert set(EXPRESSIONS) == set(Emotion)
    for a, b in itertools.combinations(Emotion, 2):
        assert np.linalg.norm(faces[a] - faces[b]) > 0.5, (a, b)


def test_emotions_are_what_they_say(fixture: Fixture) -> None:
    """Geometric measures on the posed rig and on the action units that observers read."""
    lips = {e: fixture.rig.measure(settled({e: 1.0})) for e in Emotion}
    face = {e: settled({e: 1.0}) for e in Emotion}
    assert lips[Emotion.JOY].width > 1.1 * lips[Emotion.NEUTRAL].width
    assert lips[Emotion.SURPRISE].gap > lips[Emotion.NEUTRAL].gap + 0.04
    assert face[Emotion.SADNESS]["browInnerUp"] > 0.4 > face[Emotion.ANGER]["browInnerUp"]
    assert face[Emotion.ANGER]["browDownLeft"] > 0.5
    assert face[Emotion.DISGUST]["noseSneerLeft"] > 0.4
    assert min(face[e]["eyeWideLeft"] for e in (Emotion.FEAR, Emotion.SURPRISE)) > 0.4
    assert face[Emotion.SADNESS]["headPitch"] < -1.0


def test_scores_blend_and_fall_back_to_neutral() -> None:
    half = settled({Emotion.JOY: 0.5})
    full, neutral = settled({Emotion.JOY: 1.0}), settled({})
    assert np.allclose(half.values, 0.5 * (full.values + neutral.values), atol=1e-5)
    both = settled({Emotion.JOY: 1.0, Emotion.SURPRISE: 1.0})
    assert both["browInnerUp"] == pytest.approx(0.5 * settled({Emotion.SURPRISE: 1.0})["browInnerUp"], abs=1e-3)


def test_the_fade_is_quick_and_has_no_corner() -> None:
    expression = Expression(np.random.default_rng(0))
    for _ in range(10):
        expression.next(0.0, 0.0)
    expression.feel([EmotionPrediction(Emotion.JOY, 1.0)])
    smile = np.array([expression.next(0.0, 0.0)[INDEX["mouthSmileLeft"]] for _ in range(50)])
    reached = (smile - smile[0]) / (smile[-1] - smile[0])
    assert 0.3 <= np.argmax(reached > 0.95) / 25 <= FADE_SECONDS + 0.3
    assert np.all(np.diff(smile) > -1e-6)
    assert np.abs(np.diff(smile)).max() < 0.15


def test_faces_are_a_little_uneven() -> None:
    joy = settled({Emotion.JOY: 1.0})
    assert 0.005 < abs(joy["mouthSmileLeft"] - joy["mouthSmileRight"]) < 0.15


def test_speech_keeps_its_mouth() -> None:
    quiet, speaking = settled({Emotion.JOY: 1.0}), settled({Emotion.JOY: 1.0}, speaking=1.0)
    assert 0.4 < speaking["mouthSmileLeft"] / quiet["mouthSmileLeft"] < 0.9
    assert speaking["cheekSquintLeft"] == quiet["cheekSquintLeft"]


@pytest.mark.parametrize("emotion", list(Emotion))
def test_nothing_parts_lips_that_the_speech_holds_closed(emotion: Emotion) -> None:
    assert settled({emotion: 1.0}, speaking=1.0, closed=1.0).values[OPENERS].max() == 0.0


@pytest.mark.parametrize("scores", [{Emotion.JOY: 1.5}, {Emotion.JOY: -0.1}, {Emotion.JOY: float("nan")}])
def test_bad_scores_are_refused(scores: dict[Emotion, float]) -> None:
    with pytest.raises(ValueError, match="joy"):
        Expression(np.random.default_rng(0)).feel(scores)


def test_unknown_emotions_are_refused() -> None:
    with pytest.raises(ValueError, match="boredom"):
        Expression(np.random.default_rng(0)).feel({"boredom": 1.0})  # type: ignore[dict-item]


def test_expressions_stay_inside_the_coefficients() -> None:
    for emotion in Emotion:
        coefficients = settled({emotion: 1.0}).coefficients
        assert coefficients.min() >= 0.0
        assert coefficients.max() <= 1.0

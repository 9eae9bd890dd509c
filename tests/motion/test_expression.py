"""Expressions: readable on every shipped face, smooth, and never in the way of the lips."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pytest

from bithuman_core.face import INDEX, FaceState, indices
from bithuman_core.motion.expression import EXPRESSIONS, FADE_SECONDS, OPENERS, Expression
from bithuman_core.motion.lips import LipSeal
from bithuman_core.motion.prosody import Prosody
from bithuman_core.render import load_rig
from bithuman_core.settings import models_dir
from bithuman_core.types import Emotion, EmotionPrediction
from tests.geometry import Observer
from tests.speech_clips import CLIPS, CLOSED_GAP, load_clip, shipped_net, speak

AVATARS = ("mara", "theo", "erik")


def settled(scores: dict[Emotion, float], speaking: float = 0.0, closed: float = 0.0) -> FaceState:
    expression = Expression(np.random.default_rng(0))
    expression.feel(scores)
    return FaceState([expression.next(speaking, closed) for _ in range(100)][-1])


def test_every_emotion_is_there_and_differs_from_the_others() -> None:
    faces = {emotion: settled({emotion: 1.0}).values for emotion in Emotion}
    assert set(EXPRESSIONS) == set(Emotion)
    for a, b in itertools.combinations(Emotion, 2):
        assert np.linalg.norm(faces[a] - faces[b]) > 0.5, (a, b)


@pytest.mark.parametrize("avatar", AVATARS)
def test_emotions_are_what_they_say(avatar: str) -> None:
    """Distances between the eyes, against the face without any expression; what observers read an emotion by."""
    observer = Observer(load_rig(models_dir() / f"{avatar}.imx"))
    faces = {emotion: settled({emotion: 1.0}) for emotion in Emotion}
    corners = {e: observer.corners(face)[0] for e, face in faces.items()}
    inner = {e: observer.raised(face, "browInnerUp") for e, face in faces.items()}
    outer = {e: observer.raised(face, "browOuterUpLeft") for e, face in faces.items()}
    lid = {e: observer.raised(face, "eyeBlinkLeft") for e, face in faces.items()}
    nose = {e: observer.raised(face, "noseSneerLeft") for e, face in faces.items()}
    cheek = {e: observer.raised(face, "cheekSquintLeft") for e, face in faces.items()}
    gap = {e: observer.gap(face) for e, face in faces.items()}

    assert corners[Emotion.JOY] == max(corners.values()) > 0.1  # a smile lifts corners and cheeks
    assert cheek[Emotion.JOY] > 0.05
    assert corners[Emotion.SADNESS] < -0.03  # corners down, inner brows up, lids low
    slant = {e: inner[e] / outer[e] for e in (Emotion.SADNESS, Emotion.SURPRISE)}
    assert inner[Emotion.SADNESS] > 0.01
    assert slant[Emotion.SADNESS] > 1.15 * slant[Emotion.SURPRISE]
    assert lid[Emotion.SADNESS] == min(lid.values()) < -0.01
    assert max(inner[Emotion.ANGER], outer[Emotion.ANGER]) < -0.015  # brows down, lips pressed
    assert gap[Emotion.ANGER] < 0.0
    assert min(inner[Emotion.FEAR], outer[Emotion.FEAR]) > 0.05  # brows up, eyes wide, mouth drawn wide
    assert observer.corners(faces[Emotion.FEAR])[1] > 0.1
    assert min(inner[Emotion.SURPRISE], outer[Emotion.SURPRISE]) > 0.12  # higher still, and the jaw drops
    assert gap[Emotion.SURPRISE] == max(gap.values()) > 0.08
    wide = {Emotion.FEAR, Emotion.SURPRISE}
    assert min(lid[e] for e in wide) > max(lid[e] for e in set(Emotion) - wide)
    assert nose[Emotion.DISGUST] > 0.08  # the nose wrinkles under low brows
    assert inner[Emotion.DISGUST] < -0.02
    assert 0.01 < corners[Emotion.NEUTRAL] < 0.06  # a touch of warmth with closed lips
    assert gap[Emotion.NEUTRAL] < CLOSED_GAP


@cache
def speech_with(emotion: Emotion) -> list[tuple[FaceState, FaceState]]:
    """Every p, b and m of the clips as (mouth of the net alone, the same with an emotion), at its smallest gap with it."""
    observer = Observer(load_rig(models_dir() / "mara.imx"))
    mouth = indices(*shipped_net().mouth_names)
    closures = []
    for clip in CLIPS:
        samples, phones = load_clip(clip)
        expression, seal, prosody = Expression(np.random.default_rng(0)), LipSeal(shipped_net().mouth_names), Prosody()
        expression.feel({emotion: 1.0})
        for _ in range(50):
            expression.next(0.0, 0.0)
        bare, felt = [], []
        for tick, sound in zip(speak(samples), samples.reshape(-1, 640), strict=True):
            prosody.push(sound, tick.voice)
            face = FaceState()
            face.values[mouth] = tick.mouth
            bare.append(face.copy())
            face.values += expression.next(prosody.speaking, seal.next(tick.mouth, tick.voice), tick.arousal)
            felt.append(face.clipped())
        for start, end, phone in phones:
            if phone in ("p", "b", "m"):
                ticks = range(max(round(start * 25 - 0.5), 0), min(round(end * 25 + 0.5) + 1, len(felt)))
                k = min(ticks, key=lambda k: observer.gap(felt[k]))
                closures.append((bare[k], felt[k]))
    return closures


@pytest.mark.parametrize("emotion", list(Emotion))
def test_lips_that_the_speech_closes_stay_closed(emotion: Emotion) -> None:
    for avatar in AVATARS:
        observer = Observer(load_rig(models_dir() / f"{avatar}.imx"))
        closed = [face for alone, face in speech_with(emotion) if observer.gap(alone) < 0.01]
        assert len(closed) >= 15
        assert max(observer.gap(face) for face in closed) < CLOSED_GAP


def test_scores_blend_and_fall_back_to_neutral() -> None:
    half = settled({Emotion.JOY: 0.5})
    full, neutral = settled({Emotion.JOY: 1.0}), settled({})
    assert np.allclose(half.values, 0.5 * (full.values + neutral.values), atol=1e-5)
    both = settled({Emotion.JOY: 1.0, Emotion.SURPRISE: 1.0})
    assert np.allclose(both.values, 0.5 * (full.values + settled({Emotion.SURPRISE: 1.0}).values), atol=1e-5)


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


def test_an_excited_voice_shows_more_of_an_emotion_and_a_flat_one_less() -> None:
    def smile(arousal: float) -> float:
        expression = Expression(np.random.default_rng(0))
        expression.feel({Emotion.JOY: 0.6})
        return [float(expression.next(1.0, 0.0, arousal)[INDEX["mouthSmileLeft"]]) for _ in range(60)][-1]

    assert smile(0.1) < 0.92 * smile(0.4) < 0.85 * smile(0.8)


def test_the_lips_count_as_closed_only_while_somebody_speaks() -> None:
    names = ("jawOpen", "mouthClose")
    seal, closed, opened = LipSeal(names), np.zeros(2, np.float32), np.array([0.4, 0.0], np.float32)
    assert seal.next(closed, 0.0) == 0.0
    speaking = [seal.next(closed, 1.0) for _ in range(4)]
    assert speaking[1] > 0.9  # at once: a phrase may begin with m
    assert seal.next(opened, 1.0) == 0.0
    assert seal.next(np.array([0.4, 0.32], np.float32), 1.0) > 0.9  # closed over an open jaw
    silent = [seal.next(closed, 0.0) for _ in range(60)]
    assert silent[-1] < 0.01

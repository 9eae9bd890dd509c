"""Expressions: each emotion as a full face, cross-faded and blended by score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import FaceState, indices
from bithuman_core.motion.spring import Spring
from bithuman_core.speech.arousal import USUAL
from bithuman_core.timing import TICK_SECONDS
from bithuman_core.types import Emotion, EmotionPrediction

FADE_SECONDS = 0.5  # from one expression to the next, 0 to 96 %
ASYMMETRY = 0.12  # faces are never quite even: one side goes up to this much further
AROUSAL_GAIN = 0.5  # what more or less arousal than usual does to an expression
SPEECH_SHARE = 0.65  # of the mouth's part of an expression while speaking; brows and eyes keep all of theirs


def _both(**values: float) -> dict[str, float]:
    """The same value for the left and the right shape."""
    return {f"{name}{side}": value for name, value in values.items() for side in ("Left", "Right")}


# Prototypes after the facial action coding system (Ekman, Friesen, Hager 2002, EMFACS): action units as ARKit shapes, at the
# strength of a person in conversation, not of an actor.
EXPRESSIONS: dict[Emotion, dict[str, float]] = {
    # AU 6 + 12 + 25
    Emotion.JOY: _both(mouthSmile=0.78, cheekSquint=0.62, eyeSquint=0.26, mouthDimple=0.12, mouthUpperUp=0.16, browOuterUp=0.14)
    | {"browInnerUp": 0.08, "headPitch": 1.2, "headRoll": 1.0},
    # AU 1 + 4 + 15 + 17, lowered gaze
    Emotion.SADNESS: _both(mouthFrown=0.66, browDown=0.14, eyeBlink=0.16, eyeSquint=0.14, mouthStretch=0.06, eyeLookDown=0.1)
    | {"browInnerUp": 0.92, "mouthShrugLower": 0.4, "headPitch": -3.0, "headRoll": 1.8},
    # AU 4 + 5 + 7 + 23 + 24, from under the brows
    Emotion.ANGER: _both(browDown=1.0, browOuterUp=0.15, eyeSquint=0.4, eyeWide=0.35, noseSneer=0.35, mouthPress=0.5)
    | _both(mouthFrown=0.5)
    | {"jawForward": 0.25, "mouthShrugLower": 0.18, "headPitch": -3.5},
    # AU 1 + 2 + 4 + 5 + 20 + 26, drawn back
    Emotion.FEAR: _both(browOuterUp=0.3, browDown=0.2, eyeWide=0.85, mouthStretch=0.65, mouthLowerDown=0.22, mouthFrown=0.12)
    | {"browInnerUp": 1.0, "jawOpen": 0.08, "headPitch": 1.0, "headZ": 0.02},
    # AU 1 + 2 + 5 + 26
    Emotion.SURPRISE: _both(browOuterUp=0.92, eyeWide=0.78)
    | {"browInnerUp": 0.95, "jawOpen": 0.24, "headPitch": 1.5, "headZ": 0.012},
    # AU 9 + 10 + 17, turned away
    Emotion.DISGUST: _both(noseSneer=0.66, mouthUpperUp=0.3, browDown=0.6, eyeSquint=0.5, cheekSquint=0.3, mouthFrown=0.42)
    | {"mouthShrugLower": 0.5, "headYaw": 3.0, "headPitch": 1.2, "headRoll": -1.5},
    # a touch of warmth
    Emotion.NEUTRAL: _both(mouthSmile=0.14, mouthDimple=0.04, cheekSquint=0.06, browOuterUp=0.03),
}
ORDER = list(EXPRESSIONS)
NEUTRAL = ORDER.index(Emotion.NEUTRAL)
# a sneer lifts the upper lip
_MOUTH = [n for n in sorted({n for e in EXPRESSIONS.values() for n in e}) if n.startswith(("mouth", "jaw", "noseSneer"))]
MOUTH = indices(*_MOUTH)
# what parts the lips: withdrawn while the speech holds them closed
OPENERS = indices("jawOpen", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight")


class Expression:
    """The expression of one session: goes smoothly to whatever mix of emotions was asked for last.

    ``filmed``: the face has a life and a look of its own at rest, those that were filmed; neutral then adds nothing to it.
    ``own``: the share of life and look that comes from here, 1, or 0 for one that is filmed; goes smoothly where that changes.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        sides = {"Left": 1.0 + ASYMMETRY * float(rng.uniform(-1, 1)), "Right": 1.0 + ASYMMETRY * float(rng.uniform(-1, 1))}
        self._faces = np.stack([_face(EXPRESSIONS[emotion], sides) for emotion in ORDER])
        self.filmed, self.own = False, 1.0
        self._begun = False
        self.goal = self.blend({})
        self._spring = Spring(self.goal, FADE_SECONDS)

    def feel(self, emotions: Mapping[Emotion, float] | Iterable[EmotionPrediction]) -> None:
        """Go to a blend of emotions, see :meth:`blend`."""
        self.goal = self.blend(emotions)

    def blend(self, emotions: Mapping[Emotion, float] | Iterable[EmotionPrediction]) -> NDArray[np.float32]:
        """The shares of all emotions in a blend by score, float32 [7], 1 in all.

        Scores are 0..1 each; what they lack to 1 in all is neutral; more than 1 in all is scaled down. Raises ValueError
        for an unknown emotion or a score that is not a number from 0 to 1.
        """
        try:
            pairs = list(emotions.items()) if isinstance(emotions, Mapping) else [(p.emotion, p.score) for p in emotions]
        except (AttributeError, TypeError) as error:
            raise ValueError(f"The emotions are {emotions!r}; give a list of EmotionPrediction(emotion, score).") from error
        shares = np.zeros(len(ORDER), np.float32)
        for emotion, score in pairs:
            if not isinstance(score, int | float | np.floating) or not 0.0 <= score <= 1.0:
                raise ValueError(f"The score of {Emotion(emotion).value} is {score}; give a number from 0 to 1.")
            shares[ORDER.index(Emotion(emotion))] += score
        total = float(shares.sum())
        shares[NEUTRAL] += max(1.0 - total, 0.0)
        return shares / np.float32(max(total, 1.0))

    def next(self, speaking: float, closed: float, arousal: float = USUAL) -> NDArray[np.float32]:
        """The expression at the next tick, float32 [59].

        speaking 0..1 leaves the mouth to the speech; closed 0..1 (how surely the speech holds the lips closed) withdraws what
        would part them; arousal 0..1 of the voice scales the whole of it while speaking.
        """
        shares = self._spring.next(self.goal).astype(np.float32)
        step = TICK_SECONDS / FADE_SECONDS if self._begun else 1.0
        self.own += min(max(float(not self.filmed) - self.own, -step), step)
        self._begun = True
        shares[NEUTRAL] *= self.own
        face = shares @ self._faces
        face *= np.float32(1.0 + AROUSAL_GAIN * (arousal - USUAL) * speaking)
        face[MOUTH] *= 1.0 - (1.0 - SPEECH_SHARE) * speaking
        face[OPENERS] *= 1.0 - closed
        return face


def _face(values: Mapping[str, float], sides: Mapping[str, float]) -> NDArray[np.float32]:
    uneven = {name: value * next((g for side, g in sides.items() if name.endswith(side)), 1.0) for name, value in values.items()}
    return FaceState.from_mapping(uneven).clipped().values

"""Thought shows, slowly enough to be believed, and goes when the answer is there."""

from __future__ import annotations

import itertools

import numpy as np

from bithuman_core.face import FACE_SIZE, INDEX
from bithuman_core.motion.mixer import Mixer
from bithuman_core.motion.thinking import THOUGHTFUL, Thinking
from bithuman_core.speech.net import SpeechTick
from bithuman_core.timing import SAMPLES_PER_TICK


def test_it_comes_and_goes_without_a_jump() -> None:
    thinking = Thinking()
    faces = [thinking.next(True) for _ in range(25)] + [thinking.next(False) for _ in range(30)]
    assert np.allclose(faces[24], THOUGHTFUL, atol=0.02) and not faces[-1].any()
    assert max(float(np.abs(one - two).max()) for one, two in itertools.pairwise(faces)) < 0.5  # degrees, shares


def test_an_answer_that_is_there_at_once_hardly_shows_it() -> None:
    thinking = Thinking()
    assert np.abs(thinking.next(True)).max() < 0.25 * np.abs(THOUGHTFUL).max()


def test_the_eyes_of_a_face_go_up_while_it_thinks_and_come_back() -> None:
    mixers = [Mixer(("jawOpen",), 3), Mixer(("jawOpen",), 3)]
    heard = SpeechTick(np.zeros(1, np.float32), np.zeros(15, np.float32), 0.0, np.zeros(1, np.float32))
    up = []
    for tick in range(100):
        mixers[1].thinking = 10 <= tick < 50
        calm, thoughtful = (mixer.next(heard, np.zeros(SAMPLES_PER_TICK, np.float32)).values for mixer in mixers)
        assert calm.shape == (FACE_SIZE,)
        up.append(float(thoughtful[INDEX["eyeLookUpLeft"]] - calm[INDEX["eyeLookUpLeft"]]))
    assert max(up[:9]) == 0.0 and min(up[35:49]) >= 0.0 and max(up[20:50]) > 0.05 and abs(up[-1]) < 0.01

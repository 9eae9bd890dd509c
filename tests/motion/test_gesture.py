"""Gestures: the clips of the avatars, how they play, how they are cut, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bithuman_core.engine import Engine, Fixture
from bithuman_core.errors import ModelLoadError
from bithuman_core.face import INDEX
from bithuman_core.motion.gesture import Gesture, GesturePlayer

SOURCES = sorted(Path("training/avatars/gestures").glob("*.json"))
NOD = {"headPitch": [[0, 0], [0.2, -8], [0.6, 0]], "headRoll": [[0.1, 0], [0.3, 2], [0.5, 0]]}
WANTED = {"nod", "shake", "tilt", "smile", "laugh", "wink", "surprise", "think", "look_left", "look_right", "hello"}


def player(**clips: Any) -> GesturePlayer:
    return GesturePlayer({name: Gesture.from_manifest(name, raw) for name, raw in clips.items()}, np.random.default_rng(0))


def test_the_promised_gestures_are_there() -> None:
    assert {path.stem for path in SOURCES} == WANTED


def test_the_shipped_avatar_carries_exactly_the_promised_gestures(fixture: Fixture) -> None:
    assert set(fixture.gestures) == WANTED
    assert fixture.manifest.gestures == {path.stem: json.loads(path.read_text()) for path in SOURCES}


def test_a_nod_of_the_shipped_avatar_takes_the_head_down_and_back(fixture: Fixture) -> None:
    """Against the same session without it: idle life moves the head of both alike, what differs is the nod."""
    still, nodding = Engine(fixture, seed=1), Engine(fixture, seed=1)
    assert nodding.mixer.gestures.play("nod")
    pitch = np.array([[engine.animate()[0]["headPitch"] for engine in (still, nodding)] for _ in range(50)])
    added = pitch[:, 1] - pitch[:, 0]
    assert added.min() < -5.0  # degrees, + lifts the nose
    assert 0.1 < added.argmin() * 0.04 < 0.5  # seconds: at once, not some time later
    assert pitch[:, 1].min() < pitch[0, 1] - 4.0
    assert np.abs(added[-15:]).max() < 1e-4


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.stem)
def test_a_shipped_gesture_begins_and_ends_at_rest_and_moves_without_a_jump(path: Path) -> None:
    gesture = Gesture.from_manifest(path.stem, json.loads(path.read_text()))
    frames = np.array([gesture.at(float(t)) for t in np.arange(-0.1, gesture.seconds + 0.1, 0.04)])
    assert not frames[[0, -1]].any()
    assert np.abs(frames).max() > 0.3
    steps = np.abs(np.diff(frames, axis=0)).max(axis=0)
    head = slice(INDEX["headYaw"], INDEX["headX"])
    assert steps[:52].max() < 0.75  # a blink closes in two frames
    assert steps[head].max() < 4.0  # degrees a frame


def test_keys_are_hit_and_eased() -> None:
    nod = Gesture.from_manifest("nod", NOD)
    assert nod.seconds == 0.6
    assert nod.at(0.2)[INDEX["headPitch"]] == pytest.approx(-8.0)
    assert nod.at(0.1)[INDEX["headPitch"]] == pytest.approx(-4.0)
    assert nod.at(0.05)[INDEX["headPitch"]] == pytest.approx(-8.0 * 0.15625)


def test_a_gesture_plays_once() -> None:
    gestures = player(nod=NOD)
    assert gestures.play("nod")
    frames = np.array([gestures.next() for _ in range(30)])
    assert frames[:, INDEX["headPitch"]].min() < -7.0
    assert not frames[16:].any()
    assert gestures.playing is None


def test_a_running_gesture_is_replaced_only_by_force_and_never_by_itself() -> None:
    gestures = player(nod=NOD, shake={"headYaw": [[0, 0], [0.2, 5], [0.4, 0]]})
    gestures.play("nod")
    gestures.next()
    assert not gestures.play("shake")
    assert not gestures.play("nod", force=True)
    assert gestures.play("shake", force=True)
    assert gestures.playing == "shake"


def test_several_gestures_follow_each_other() -> None:
    gestures = player(nod=NOD, shake={"headYaw": [[0, 0], [0.2, 5], [0.4, 0]]})
    gestures.play("nod", "shake")
    names = [gestures.playing for _ in range(30) if gestures.next() is not None]
    assert names.index("shake") > names.index("nod")
    assert names[-1] is None


def test_a_cut_gesture_fades_without_a_jump() -> None:
    gestures = player(nod=NOD)
    gestures.play("nod")
    pitch = [gestures.next()[INDEX["headPitch"]] for _ in range(5)]
    gestures.cut()
    pitch += [gestures.next()[INDEX["headPitch"]] for _ in range(20)]
    assert np.abs(np.diff(pitch)).max() < 4.0
    assert abs(pitch[-1]) < 0.05


def test_an_unknown_gesture_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="nod, shake"):
        player(shake=NOD, nod=NOD).play("wave")


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ([], "channels by name"),
        ({}, "channels by name"),
        ({"wing": [[0, 0], [1, 0]]}, "no face value"),
        ({"jawOpen": [[0, 0]]}, "pairs"),
        ({"jawOpen": "open"}, "pairs"),
        ({"jawOpen": [[0, 0], [1, float("nan")], [2, 0]]}, "pairs"),
        ({"jawOpen": [[0, 0], [1, 0.5], [1, 0]]}, "rise"),
        ({"jawOpen": [[0, 0], [1, 0.5]]}, "must be 0"),
        ({"jawOpen": [[0, 0], [99, 0]]}, "rise"),
    ],
)
def test_a_damaged_gesture_gets_a_sentence(raw: Any, says: str) -> None:
    with pytest.raises(ModelLoadError, match=says):
        Gesture.from_manifest("odd", raw)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["jawOpen", "headYaw", "x"]), inner, max_size=3),
    max_leaves=12,
)


@given(json_values)
def test_whatever_stands_in_a_file_is_a_gesture_or_refused(raw: Any) -> None:
    try:
        gesture = Gesture.from_manifest("odd", raw)
    except ModelLoadError:
        return
    assert np.isfinite(gesture.at(0.5)).all()

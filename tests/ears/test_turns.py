"""Turns: when somebody begins and is done, on made-up likelihoods and on real speech."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bithuman_core.audio import float32_to_int16, load_audio
from bithuman_core.ears import EchoGate, TurnBegan, TurnDetector, TurnEnded, TurnPaused, TurnSettings
from bithuman_core.ears.voice_activity import WINDOW, VoiceActivity
from bithuman_core.settings import speech_clip
from bithuman_core.timing import SAMPLE_RATE


def told(likelihoods: list[float], settings: TurnSettings | None = None) -> tuple[list[tuple[int, object]], TurnDetector]:
    """What happens in windows that are so likely speech, with the number of the window; window i holds the number i."""
    sequence = iter(likelihoods)
    detector = TurnDetector(lambda _: next(sequence), settings)
    happened = []
    for number in range(len(likelihoods)):
        happened += [(number, event) for event in detector.push(np.full(WINDOW, number, np.int16))]
    return happened, detector


def test_a_turn_begins_within_a_tenth_of_a_second_of_speech_and_ends_after_a_pause() -> None:
    happened, detector = told([0.0] * 20 + [0.9] * 30 + [0.1] * 20)
    (began, first), (paused, perhaps), (ended, last) = happened
    assert isinstance(perhaps, TurnPaused) and 0.1 < (paused - 49) * WINDOW / SAMPLE_RATE <= 0.2
    assert isinstance(first, TurnBegan) and (began - 19) * WINDOW / SAMPLE_RATE <= 0.13
    assert isinstance(last, TurnEnded) and 0.3 <= (ended - 49) * WINDOW / SAMPLE_RATE <= 0.4 and last.quiet
    assert {10, 20, 49} - set(last.samples.tolist()) == {10} and not detector.speaking  # a little before it, and not all
    assert last.samples.min() < 20


def test_a_click_is_no_turn_and_a_breath_does_not_end_one() -> None:
    assert told([0.0] * 5 + [0.9] + [0.0] * 30)[0] == []
    happened, _ = told([0.9] * 20 + [0.1] * 10 + [0.9] * 20 + [0.1] * 20)
    assert [type(event) for _, event in happened] == [TurnBegan, TurnPaused, TurnPaused, TurnEnded]


def test_a_turn_without_end_is_taken_in_pieces_and_nothing_is_lost() -> None:
    happened, detector = told([0.9] * 200, TurnSettings(longest=3.0))
    turns = [event.samples for _, event in happened if isinstance(event, TurnEnded)]
    assert len(turns) == 2 and all(turn.size <= 3.1 * SAMPLE_RATE for turn in turns)
    rest = detector.end()
    assert rest is not None and detector.end() is None
    heard = np.concatenate([*turns, rest.samples])
    assert set(heard.tolist()) == set(range(200)) or np.array_equal(np.unique(heard), np.arange(200))


def test_a_key_that_is_let_go_ends_the_turn_at_once() -> None:
    _, detector = told([0.9] * 20)
    ended = detector.end()
    assert ended is not None and ended.samples.size == 20 * WINDOW


def test_what_is_cut_off_is_over_and_what_of_it_is_on_its_way_begins_nothing() -> None:
    detector = TurnDetector(lambda window: float(window[0]))
    said, silence = np.ones(WINDOW, np.int16), np.zeros(WINDOW, np.int16)
    detector.push(np.tile(said, 10))
    assert detector.speaking
    detector.cut_off()
    assert detector.push(np.concatenate([np.tile(said, 15), np.tile(silence, 20)])) == []
    (began,) = detector.push(np.tile(said, 3))
    assert isinstance(began, TurnBegan)


@pytest.fixture(scope="module")
def speech() -> NDArray[np.int16]:
    sound = float32_to_int16(load_audio(speech_clip(), SAMPLE_RATE)[0])
    silence = np.zeros(SAMPLE_RATE, np.int16)
    return np.concatenate([silence, sound, silence])


def test_real_speech_is_one_turn_or_few_and_no_word_is_cut(speech: NDArray[np.int16]) -> None:
    detector = TurnDetector(VoiceActivity())
    turns = [event for event in detector.push(speech) if isinstance(event, TurnEnded)]
    assert 1 <= len(turns) <= 6 and not detector.speaking
    loud = int((np.abs(speech) > 1500).sum())
    assert sum(int((np.abs(turn.samples) > 1500).sum()) for turn in turns) > 0.98 * loud


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=30))
def test_turns_are_the_same_however_the_sound_comes(lengths: list[int]) -> None:
    sound = np.random.default_rng(0).integers(-9000, 9000, sum(lengths)).astype(np.int16)

    def likely(window: NDArray[np.int16]) -> float:
        return float(window[0] > -3000)

    def turns(pieces: list[NDArray[np.int16]]) -> list[bytes]:
        detector = TurnDetector(likely, TurnSettings(begins_after=0.03, ends_after=0.03))
        events = [event for piece in pieces for event in detector.push(piece)]
        return [event.samples.tobytes() if isinstance(event, TurnEnded) else b"began" for event in events]

    assert turns(np.split(sound, np.cumsum(lengths)[:-1].tolist())) == turns([sound])


@pytest.mark.parametrize("level", [0, 300, 3000])
def test_silence_and_noise_are_no_turns(level: int) -> None:
    noise = np.random.default_rng(1).normal(0, 1, 5 * SAMPLE_RATE) * level
    assert TurnDetector(VoiceActivity()).push(noise.clip(-32768, 32767).astype(np.int16)) == []


def test_a_hum_is_no_turn() -> None:
    hum = 6000 * np.sin(2 * np.pi * 50 * np.arange(5 * SAMPLE_RATE) / SAMPLE_RATE)
    assert TurnDetector(VoiceActivity()).push(hum.astype(np.int16)) == []


def chords(seconds: float) -> NDArray[np.int16]:
    """Music: four chords of a piano-like tone, again and again, with a beat."""
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    roots = np.array([220.0, 174.6, 261.6, 196.0])[(time // 1.0).astype(int) % 4]
    phase = np.cumsum(roots) / SAMPLE_RATE * 2 * np.pi
    tone = sum(np.sin(phase * ratio * partial) / partial for ratio in (1.0, 1.25, 1.5) for partial in (1, 2, 3, 4))
    beat = np.random.default_rng(3).normal(0, 1, time.size) * np.exp(-40 * (time % 0.5))
    return ((tone * np.exp(-2 * (time % 1.0)) + beat) * 4000).clip(-32768, 32767).astype(np.int16)


def test_music_is_no_turn() -> None:
    assert TurnDetector(VoiceActivity()).push(chords(20.0)) == []


def test_minutes_of_silence_are_nothing_and_nothing_grows() -> None:
    detector = TurnDetector(VoiceActivity(), echo=EchoGate())
    silence = np.zeros(SAMPLE_RATE, np.int16)
    for _ in range(5 * 60):
        detector.played(silence)
        assert detector.push(silence) == []
    assert len(detector._before) < 20 and detector._turn is None

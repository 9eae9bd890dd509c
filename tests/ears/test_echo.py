"""The avatar does not wake itself: its voice out of a loudspeaker, in a room, back in the microphone; a person still does."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from bithuman_core.audio import load_audio
from bithuman_core.ears import EchoGate, TurnBegan, TurnDetector
from bithuman_core.ears.voice_activity import VoiceActivity
from bithuman_core.settings import speech_clip
from bithuman_core.timing import SAMPLE_RATE, SAMPLES_PER_TICK
from bithuman_core.voice import TextToSpeech

TEXT = (
    "We are open from nine to five, and on Sundays from ten to four. A ticket is twelve euros. Children are free. "
    "The last tour begins at three in the afternoon, at the small door beside the shop."
)
SPEAKS_AT = 5.0  # s: a person, into the avatar's words; their clip begins with a quarter of a second of silence
NOISE = 20.0  # int16, of the microphone


@pytest.fixture(scope="module")
def avatar() -> NDArray[np.int16]:
    speech = TextToSpeech()
    speech.look()
    return speech.speak(TEXT)


@pytest.fixture(scope="module")
def person() -> NDArray[np.float32]:
    sound, _ = load_audio(speech_clip(), SAMPLE_RATE)
    return sound[: 3 * SAMPLE_RATE] * np.float32(32768.0)


def in_a_room(sound: NDArray[np.int16], loudness: float, delay: float, rings: float = 0.35) -> NDArray[np.float64]:
    """What a microphone hears of a loudspeaker: dB against what is played, s later, in a room of that reverberation time."""
    length = int(rings * SAMPLE_RATE)
    answer = np.random.default_rng(0).normal(0, 1, length) * 10 ** (-3 * np.arange(length) / length)
    answer[0] = 6.0
    answer = np.concatenate([np.zeros(int(delay * SAMPLE_RATE)), answer / np.linalg.norm(answer)])
    return np.asarray(np.convolve(sound, answer) * 10 ** (loudness / 20), np.float64)


def turns(played: NDArray[np.int16], heard: NDArray[np.float64], gate: EchoGate | None) -> list[float]:
    """When turns begin, s. The microphone sends packets of 20 ms, and the avatar ticks of 40."""
    detector = TurnDetector(VoiceActivity(), echo=gate)
    noisy = heard + np.random.default_rng(1).normal(0, NOISE, heard.size)
    microphone = noisy.clip(-32768, 32767).astype(np.int16)
    voice = np.pad(played, (0, microphone.size - played.size))
    began = []
    for start in range(0, microphone.size, SAMPLES_PER_TICK // 2):
        if start % SAMPLES_PER_TICK == 0:
            detector.played(voice[start : start + SAMPLES_PER_TICK])
        events = detector.push(microphone[start : start + SAMPLES_PER_TICK // 2])
        began += [start / SAMPLE_RATE for event in events if isinstance(event, TurnBegan)]
    return began


def test_without_the_gate_it_wakes_itself(avatar: NDArray[np.int16]) -> None:
    assert turns(avatar, in_a_room(avatar, -20, 0.2), None)


@pytest.mark.parametrize(
    ("loudness", "delay", "rings"), [(-30, 0.2, 0.35), (-20, 0.08, 0.35), (-10, 0.5, 0.35), (0, 0.8, 0.35), (-6, 0.2, 0.8)]
)
def test_its_own_voice_begins_no_turn(avatar: NDArray[np.int16], loudness: float, delay: float, rings: float) -> None:
    assert turns(avatar, in_a_room(avatar, loudness, delay, rings), EchoGate()) == []


def test_a_loudspeaker_that_distorts_is_recognised(avatar: NDArray[np.int16]) -> None:
    driven = (np.tanh(avatar / 10_000.0) * 10_000.0).astype(np.int16)
    assert turns(avatar, in_a_room(driven, -6, 0.2), EchoGate()) == []


@pytest.mark.parametrize(("loudness", "within"), [(-120, 0.6), (-30, 0.6), (-20, 0.6), (-10, 0.7), (0, 1.7)])
def test_a_person_who_speaks_into_it_does(
    avatar: NDArray[np.int16], person: NDArray[np.float32], loudness: float, within: float
) -> None:
    heard = in_a_room(avatar, loudness, 0.2)
    start = int(SPEAKS_AT * SAMPLE_RATE)
    heard[start : start + person.size] += person
    began = turns(avatar, heard, EchoGate())
    assert SPEAKS_AT < began[0] < SPEAKS_AT + within


def test_where_nothing_is_played_it_keeps_nobody_out(person: NDArray[np.float32]) -> None:
    silence = np.zeros(person.size, np.int16)
    assert turns(silence, person.astype(np.float64), EchoGate()) == turns(silence, person.astype(np.float64), None) != []


def test_its_answers_depend_on_the_sound_alone(avatar: NDArray[np.int16]) -> None:
    windows = avatar[: 64 * 512].reshape(-1, 512)

    def answers() -> list[bool]:
        gate = EchoGate()
        told = []
        for window in windows:
            gate.play(window)
            told.append(gate.is_own(window // 2))
        return told

    first = answers()
    assert first == answers() and any(one and two for one, two in itertools.pairwise(first))


def test_tones_of_one_band_after_the_other_teach_it_nothing_and_break_nothing() -> None:
    gate, time = EchoGate(), np.arange(512) / SAMPLE_RATE
    for number in range(200):
        tone = (9000 * np.sin(2 * np.pi * 200 * 1.26 ** (number % 16) * time)).astype(np.int16)
        gate.play(tone)
        gate.is_own(tone)


def test_a_microphone_that_comes_late_in_a_heap_breaks_nothing() -> None:
    gate = EchoGate()
    noise = np.random.default_rng(0).normal(0, 3000, (900, 512)).astype(np.int16)
    for window in noise:
        gate.play(window)
    assert not all(gate.is_own(window) for window in 3 * (noise // 4))

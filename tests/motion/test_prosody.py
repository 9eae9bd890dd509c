"""What the motion hears in a voice: pitch, stress, phrases; on tones of known pitch and on real speech."""

from __future__ import annotations

from functools import cache

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray

from bithuman_core.face import INDEX
from bithuman_core.motion.beat import Beats
from bithuman_core.motion.pitch import PitchTracker
from bithuman_core.motion.prosody import Norm, Prosody, level_db
from bithuman_core.speech.arousal import USUAL
from tests.speech_clips import CLIPS, load_clip

Samples = NDArray[np.float32]
RATE = 16_000
silence = np.zeros(640, np.float32)


def voice_like(hertz: float | NDArray[np.floating], seconds: float = 1.0, level: float = 0.1) -> Samples:
    """Harmonics that fall by 6 dB an octave, at a pitch that may change."""
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(hertz, int(seconds * RATE))) / RATE
    return (level * np.sum([np.sin(k * phase) / k for k in range(1, 12)], axis=0)).astype(np.float32)


def ticks(samples: Samples) -> Samples:
    return samples[: samples.size // 640 * 640].reshape(-1, 640)


def follow(samples: Samples) -> list[Prosody]:
    """What it makes of each tick; the voice activity is the sound's level."""
    prosody, seen = Prosody(), []
    for tick in ticks(samples):
        prosody.push(tick, float(level_db(tick) > -42))
        copy = Prosody.__new__(Prosody)
        copy.__dict__.update(prosody.__dict__)
        seen.append(copy)
    return seen


def test_levels_are_decibels_of_full_scale() -> None:
    tone = np.sin(2 * np.pi * 100 * np.arange(640) / 640).astype(np.float32)
    assert level_db(tone) == pytest.approx(-3.01, abs=0.01)
    assert level_db(0.1 * tone) == pytest.approx(-23.01, abs=0.01)
    assert level_db(silence) == -50.0


def test_a_norm_is_the_mean_and_deviation_of_what_came() -> None:
    values = np.random.default_rng(0).normal(-30.0, 4.0, 4000)
    norm = Norm(0.0, 1.0, seconds=1e9)
    for value in values:
        norm.push(float(value))
    assert norm.mean == pytest.approx(values.mean(), abs=0.2)
    assert norm.deviation == pytest.approx(values.std(), abs=0.3)


# -- pitch -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("hertz", [75.0, 110.0, 147.3, 220.0, 311.0, 400.0])
def test_pitch_of_a_tone_is_found_to_a_fifth_of_a_semitone(hertz: float) -> None:
    tracker = PitchTracker()
    found = [tracker.push(tick) for tick in ticks(voice_like(hertz))][3:]
    assert np.abs(12 * np.log2(np.array(found) / hertz)).max() < 0.2


def test_noise_and_silence_have_no_pitch() -> None:
    tracker = PitchTracker()
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    assert np.mean([tracker.push(tick) > 0 for tick in ticks(noise)]) < 0.1
    tracker.reset()
    assert not any(tracker.push(silence) for _ in range(10))


@pytest.mark.parametrize("clip", CLIPS)
def test_pitch_of_real_speech_agrees_with_librosa(clip: str) -> None:
    samples, _ = load_clip(clip)
    tracker = PitchTracker()
    found = np.array([tracker.push(tick) for tick in ticks(samples)])
    peer, voiced, _ = librosa.pyin(samples, fmin=65, fmax=420, sr=RATE, frame_length=1024, hop_length=640)
    middle = ((np.arange(found.size) + 1) * 640 - 512) / RATE  # s, of the tracker's window
    expected = np.interp(middle, np.arange(peer.size) * 640 / RATE, np.where(voiced, peer, np.nan))
    both = (found > 0) & np.isfinite(expected)
    assert both.sum() > 0.75 * np.isfinite(expected).sum()
    assert (np.abs(12 * np.log2(found[both] / expected[both])) < 1.0).mean() > 0.93


# -- phrases ---------------------------------------------------------------------------------------------------------
def test_a_phrase_begins_once_and_ends_once_and_only_after_speech() -> None:
    pause = np.zeros(RATE, np.float32)
    seen = follow(np.concatenate([pause, voice_like(150.0, 2.0), pause]))
    begun, ended = [k for k, p in enumerate(seen) if p.phrase_began], [k for k, p in enumerate(seen) if p.phrase_ended]
    assert begun == [25]
    assert len(ended) == 1
    assert 75 < ended[0] < 85


@pytest.mark.parametrize(("end", "asks"), [(250.0, True), (110.0, False), (150.0, False)])
def test_a_voice_that_rises_asks(end: float, asks: bool) -> None:
    tune = np.concatenate([150 + 12 * np.sin(np.arange(2 * RATE) / 1500), np.linspace(150, end, RATE // 3)])
    seen = follow(np.concatenate([voice_like(tune, tune.size / RATE), np.zeros(RATE, np.float32)]))
    assert [p.question for p in seen if p.phrase_ended] == [asks]


# -- stress ----------------------------------------------------------------------------------------------------------
def syllables(loud: set[int], count: int = 16) -> Samples:
    """Four a second; those of ``loud`` are 8 dB louder and four semitones higher."""
    shape = np.sin(np.pi * np.arange(RATE // 4) / (RATE // 4)) ** 2
    parts = [
        shape * voice_like(120.0 * (1.26 if k in loud else 1.0), 0.25, 0.02 * (2.5 if k in loud else 1.0)) for k in range(count)
    ]
    return np.concatenate(parts).astype(np.float32)


def test_accents_fall_on_the_stressed_syllables_and_soon() -> None:
    loud = {6, 9, 13}
    accents = np.array([p.accent for p in follow(syllables(loud))])
    strong = np.flatnonzero(accents > 0.6) * 0.04  # s
    heard = {int(t / 0.25) for t in strong if t > 1.0}
    assert heard == loud
    assert all(0.1 < t % 0.25 < 0.25 for t in strong if t > 1.0)  # just after the syllable's peak


def test_real_speech_has_an_accent_or_two_a_second() -> None:
    seen = follow(load_clip(CLIPS[0])[0])
    accents = sum(p.accent > 0.2 for p in seen)
    assert 0.5 < accents / (len(seen) / 25) < 3.0


@cache
def read_aloud() -> Samples:
    """Some twenty seconds of one real speaker."""
    return np.tile(np.concatenate([load_clip(CLIPS[0])[0], load_clip(CLIPS[1])[0]]), 2)


# -- head and brows --------------------------------------------------------------------------------------------------
def beats(samples: Samples) -> NDArray[np.float32]:
    body = Beats(np.random.default_rng(1))
    return np.array([body.next(prosody, USUAL) for prosody in follow(samples)])


def test_stress_takes_the_head_down_and_lifts_the_brows() -> None:
    loud = {6, 9, 13}
    stressed = beats(syllables(loud))
    pitch = stressed[:, INDEX["headPitch"]]
    for syllable in loud:
        at = round((syllable + 0.7) * 6.25)
        assert pitch[at : at + 8].min() < pitch[at] - 0.6  # degrees, within a third of a second
    assert 0.1 < stressed[:, INDEX["browInnerUp"]].max() < 0.5


def test_head_and_brows_move_with_real_speech_smoothly_and_come_to_rest() -> None:
    motion = beats(np.concatenate([read_aloud(), np.zeros(6 * RATE, np.float32)]))
    head = motion[:, [INDEX["headYaw"], INDEX["headPitch"], INDEX["headRoll"]]]
    assert head[: -6 * 25].std(axis=0)[1] > 0.3
    assert np.ptp(head, axis=0)[1] > 1.5
    assert np.linalg.norm(np.diff(head, axis=0), axis=1).max() * 25 < 45.0  # degrees a second
    assert np.linalg.norm(np.diff(head, 2, axis=0), axis=1).max() * 625 < 600.0  # degrees a second, a second
    assert np.abs(np.diff(motion[:, INDEX["browInnerUp"]])).max() < 0.08
    assert np.abs(motion[-1]).max() < 0.02


def test_a_question_tilts_the_head() -> None:
    tune = np.concatenate([150 + 12 * np.sin(np.arange(2 * RATE) / 1500), np.linspace(150, 260, RATE // 3)])
    motion = beats(np.concatenate([voice_like(tune, tune.size / RATE), np.zeros(RATE, np.float32)]))
    assert np.abs(motion[:, INDEX["headRoll"]]).max() > 1.0

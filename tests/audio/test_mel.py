"""The log-mel stream: causal, independent of the gain, and librosa's filter bank."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bithuman_core.audio.mel import FAR_BELOW, FRAMES_PER_TICK, LEVEL_RELEASE, LogMelStream, hann, log_mel
from bithuman_core.speech import SpeechNet
from bithuman_core.timing import SAMPLES_PER_TICK
from tests.speech_clips import load_clip

FIRST_WORD = 80  # frames: speech has set the level by then
SPOKEN_TICKS = 25  # of the clip: from then on it speaks


@pytest.fixture(scope="module")
def filters() -> NDArray[np.float32]:
    return SpeechNet.load().filters


def stream(filters: NDArray[np.float32], samples: NDArray[np.float32]) -> NDArray[np.float32]:
    mel = LogMelStream(filters)
    return np.concatenate([mel.push(tick) for tick in samples.reshape(-1, SAMPLES_PER_TICK)])


def test_the_filters_that_travel_with_the_net_are_librosas(filters: NDArray[np.float32]) -> None:
    import librosa

    made = librosa.filters.mel(sr=16_000, n_fft=512, n_mels=48, fmin=60.0, fmax=7800.0, norm=None)
    np.testing.assert_allclose(filters, made, atol=1e-6)


def test_the_stream_gives_what_the_whole_clip_gives(filters: NDArray[np.float32]) -> None:
    samples, _ = load_clip("1688-142285-0008")
    np.testing.assert_allclose(stream(filters, samples), log_mel(samples, filters), atol=2e-5)


def test_the_gain_does_not_matter_to_speech(filters: NDArray[np.float32]) -> None:
    samples, _ = load_clip("1688-142285-0008")
    samples = samples / np.abs(samples).max()
    loud, quiet = stream(filters, samples)[FIRST_WORD:], stream(filters, samples * np.float32(0.1))[FIRST_WORD:]
    spoken = loud.max(axis=1) > -0.5  # within 10 dB of the level
    assert spoken.mean() > 0.2
    np.testing.assert_allclose(loud[spoken], quiet[spoken], atol=0.02)


def test_the_level_rises_at_once_and_falls_slowly(filters: NDArray[np.float32]) -> None:
    t = np.arange(20 * SAMPLES_PER_TICK) / 16_000
    tone = (0.5 * np.sin(2 * np.pi * 1000 * t)).astype(np.float32)
    tone[10 * SAMPLES_PER_TICK :] *= 0.1
    peak = stream(filters, tone).reshape(-1, FRAMES_PER_TICK, len(filters))[:, -1].max(axis=1) * 20  # dB over the level
    assert np.allclose(peak[1:10], peak[1], atol=0.1)
    assert np.allclose(peak[11:], peak[1] - 20 + LEVEL_RELEASE * np.arange(2, 11), atol=0.2)


def test_the_level_follows_a_quieter_voice_within_a_second_and_no_quieter_noise(filters: NDArray[np.float32]) -> None:
    samples, _ = load_clip("1688-142285-0008")
    ticks = samples.reshape(-1, SAMPLES_PER_TICK)
    fallen = {}
    for speaking in (True, False):
        mel = LogMelStream(filters)
        for tick in ticks:
            mel.push(tick)
        loud = mel.level
        for tick in ticks[SPOKEN_TICKS:][:25]:
            mel.push(tick * np.float32(0.05))
            mel.heed(speaking)
        fallen[speaking] = loud - mel.level
    assert fallen[False] == pytest.approx(25 * LEVEL_RELEASE, abs=0.01)
    assert 26 - FAR_BELOW < fallen[True] < 26  # dB; so far it was turned down


def test_a_full_scale_sine_has_power_one() -> None:
    t = np.arange(400)
    bin_power = np.abs(np.fft.rfft(np.sin(2 * np.pi * 40 * t / 400) * hann()))[40] ** 2
    assert bin_power == pytest.approx(1.0, rel=1e-3)


def test_an_offset_is_not_loudness(filters: NDArray[np.float32]) -> None:
    samples, _ = load_clip("1688-142285-0008")
    plain, shifted = stream(filters, samples)[FIRST_WORD:], stream(filters, samples + np.float32(0.1))[FIRST_WORD:]
    spoken = plain.max(axis=1) > -0.5
    assert np.abs(plain[spoken][:, 5:] - shifted[spoken][:, 5:]).mean() < 0.05

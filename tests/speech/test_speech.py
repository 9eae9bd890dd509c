"""The speech net on real speech it never heard: lips close, vowels open, silence rests, nothing from the future."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bithuman_core.errors import AudioError, ModelLoadError, ModelNotFoundError
from bithuman_core.face import ARKIT_NAMES
from bithuman_core.speech import VISEME_NAMES, SpeechNet
from bithuman_core.timing import FPS, LOOKAHEAD_TICKS, SAMPLES_PER_TICK
from tests.speech_clips import CLIPS, CLOSED_GAP, lip_gaps, load_clip, mouths, shipped_net, speak

OPEN_VOWELS = frozenset(["aa", "ae", "ay", "aw", "eh", "ey", "ah"])


def noise(ticks: int, dbfs: float, seed: int = 1) -> np.ndarray:
    sound = np.random.default_rng(seed).standard_normal(ticks * SAMPLES_PER_TICK)
    return (sound * 10 ** (dbfs / 20)).astype(np.float32)


def test_outputs_are_coefficients_and_probabilities() -> None:
    samples, _ = load_clip(CLIPS[0])
    ticks = speak(samples)
    assert len(ticks) == len(samples) // SAMPLES_PER_TICK
    assert set(shipped_net().mouth_names) <= set(ARKIT_NAMES)
    assert mouths(ticks).shape[1] == len(shipped_net().mouth_names)
    assert mouths(ticks).dtype == np.float32
    assert mouths(ticks).min() >= 0.0 and mouths(ticks).max() <= 1.0
    assert all(t.visemes.shape == (len(VISEME_NAMES),) and abs(t.visemes.sum() - 1) < 1e-4 for t in ticks)
    assert all(0.0 <= t.voice <= 1.0 for t in ticks)
    assert all(t.phones.shape == (len(shipped_net().phone_names),) and abs(t.phones.sum() - 1) < 1e-4 for t in ticks)


def test_the_phones_are_those_that_are_spoken() -> None:
    """Nearly half of all ticks, of forty-one phones, in voices that the net never met."""
    right = 0, 0
    for name in CLIPS:
        samples, segments = load_clip(name)
        for k, tick in enumerate(speak(samples)):
            now = (k + 0.5) / FPS
            spoken = next((phone for start, end, phone in segments if start <= now < end), "sil")
            right = right[0] + (shipped_net().phone_names[int(tick.phones.argmax())] == spoken), right[1] + 1
    assert right[0] > 0.4 * right[1]


def test_the_lips_meet_in_p_b_m_and_part_in_open_vowels() -> None:
    met, opened = [], []
    for name in CLIPS:
        samples, segments = load_clip(name)
        gaps = lip_gaps(speak(samples))
        for start, end, phone in segments:
            frames = gaps[max(0, int((start - 0.03) * FPS)) : int((end + 0.03) * FPS) + 1]
            if phone in ("p", "b", "m"):
                met.append(frames.min() <= CLOSED_GAP)
            elif phone in OPEN_VOWELS and end - start > 0.06:
                opened.append(frames.max() > 0.05)
    assert len(met) >= 15 and np.mean(met) >= 0.85
    assert len(opened) >= 8 and np.mean(opened) >= 0.85


def test_the_lower_lip_goes_to_the_teeth_in_f_and_v() -> None:
    column = list(shipped_net().mouth_names).index("mouthRollLower")
    met, others = [], []
    for name in CLIPS:
        samples, segments = load_clip(name)
        rolled = mouths(speak(samples))[:, column] > 0.2
        away = np.ones(len(rolled), bool)
        for start, end, phone in segments:
            frames = slice(max(0, int((start - 0.03) * FPS)), int((end + 0.03) * FPS) + 1)
            if phone in ("f", "v"):
                met.append(rolled[frames].any())
            if phone in ("f", "v", "p", "b", "m", "sil"):
                away[max(0, frames.start - 1) : frames.stop + 1] = False
        others += list(rolled[away])
    assert len(met) >= 3 and all(met), met
    assert np.mean(others) < 0.2, np.mean(others)


def test_the_lips_move_with_the_sounds_and_not_before_or_after() -> None:
    said, true = [], []
    for name in CLIPS:
        samples, segments = load_clip(name)
        gaps = lip_gaps(speak(samples))
        centres = (np.arange(len(gaps)) + 0.5) / FPS
        phones = [next((p for s, e, p in segments if s <= t < e), "sil") for t in centres]
        openness = [1.0 if p in OPEN_VOWELS else 0.0 if p in ("p", "b", "m", "sil") else 0.5 for p in phones]
        spoken = slice(phones.index(next(p for p in phones if p != "sil")), len(phones))
        said += [np.pad(gaps[spoken], 4)]
        true += [np.pad(openness[spoken], 4)]
    a, b = np.concatenate(said), np.concatenate(true)
    by_lag = {lag: float(np.corrcoef(np.roll(a, -lag), b)[0, 1]) for lag in range(-3, 4)}
    assert max(by_lag, key=by_lag.get) == 0, by_lag  # type: ignore[arg-type]
    assert by_lag[0] > 0.7


@pytest.mark.parametrize("sound", ["zeros", "hiss at -70 dBFS", "hiss at -45 dBFS"])
def test_the_mouth_is_shut_where_nobody_speaks(sound: str) -> None:
    samples = np.zeros(125 * SAMPLES_PER_TICK, np.float32) if sound == "zeros" else noise(125, float(sound.split()[2]))
    ticks = speak(samples)
    assert (lip_gaps(ticks) < CLOSED_GAP).mean() >= 0.98
    assert mouths(ticks).max() < 0.1
    assert max(t.voice for t in ticks) < 0.5


def test_the_mouth_comes_to_rest_after_speech() -> None:
    samples, _ = load_clip(CLIPS[1])
    ticks = speak(np.concatenate([samples, noise(50, -65.0)]))
    assert mouths(ticks)[-40:].max() < 0.1


def test_the_microphones_gain_hardly_matters() -> None:
    samples, _ = load_clip(CLIPS[1])
    samples = samples / np.abs(samples).max()
    first_word = 15  # before it the speaker breathes in, which only a sensitive microphone hears
    loud, quiet = (lip_gaps(speak(samples * np.float32(gain)))[first_word:] for gain in (1.0, 0.1))
    assert np.corrcoef(loud, quiet)[0, 1] > 0.98
    assert np.abs(loud - quiet).mean() < 0.004


def test_minutes_of_speech_leave_no_drift() -> None:
    samples, _ = load_clip(CLIPS[0])
    times = 50  # 200 s
    gaps = lip_gaps(speak(np.tile(samples, times))).reshape(times, -1)
    assert np.abs(gaps[1] - gaps[-1]).mean() < 0.003


def test_nothing_later_than_the_look_ahead_is_used() -> None:
    samples, _ = load_clip(CLIPS[0])
    changed = samples.copy()
    cut = 40
    changed[cut * SAMPLES_PER_TICK :] = noise(len(samples) // SAMPLES_PER_TICK - cut, -20.0)
    first, second = mouths(speak(samples)), mouths(speak(changed))
    same = cut - LOOKAHEAD_TICKS
    np.testing.assert_array_equal(first[:same], second[:same])
    assert np.abs(first[same:] - second[same:]).max() > 0.01


def test_streams_share_nothing_and_reset_forgets() -> None:
    samples, _ = load_clip(CLIPS[0])
    ticks = samples.reshape(-1, SAMPLES_PER_TICK)
    net = shipped_net()
    alone, other = net.stream(), net.stream()
    expected = [alone.push(t).mouth for t in ticks]
    woven = []
    for i, tick in enumerate(ticks):
        woven.append(other.push(tick).mouth)
        alone.push(ticks[-1 - i])
    np.testing.assert_array_equal(np.stack(expected), np.stack(woven))
    alone.reset()
    np.testing.assert_array_equal(np.stack(expected), np.stack([alone.push(t).mouth for t in ticks]))


def test_the_first_ticks_are_silence() -> None:
    stream = shipped_net().stream()
    for _ in range(LOOKAHEAD_TICKS):
        tick = stream.push(noise(1, -20.0))
        assert not tick.mouth.any() and tick.voice == 0.0 and tick.visemes[VISEME_NAMES.index("sil")] == 1.0


@pytest.mark.parametrize(
    "samples",
    [np.zeros(639, np.float32), np.zeros((1, 640), np.float32), np.zeros(640, np.float64), np.full(640, np.nan, np.float32),
     np.full(640, np.inf, np.float32), [0.0] * 640],
    ids=["short", "2-D", "double", "NaN", "infinite", "list"],
)  # fmt: skip
def test_a_tick_that_is_no_tick_is_refused_and_leaves_no_trace(samples: np.ndarray) -> None:
    stream, clean = shipped_net().stream(), shipped_net().stream()
    with pytest.raises(AudioError, match=r"\.$"):
        stream.push(samples)
    for tick in noise(5, -20.0).reshape(-1, SAMPLES_PER_TICK):
        np.testing.assert_array_equal(stream.push(tick).visemes, clean.push(tick).visemes)


def test_a_missing_or_broken_net_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="no speech net at"):
        SpeechNet.load(tmp_path / "none.onnx")
    broken = tmp_path / "speech.onnx"
    from bithuman_core.settings import models_dir

    whole = (models_dir() / "speech.onnx").read_bytes()
    for content in (b"", b"not a net", whole[: len(whole) // 2], whole.replace(b"viseme_names", b"viseme_nomes")):
        broken.write_bytes(content)
        with pytest.raises(ModelLoadError, match=r"\.$"):
            SpeechNet.load(broken)

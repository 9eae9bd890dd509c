"""What a live stream may do to the mouth and what not: chunks, silence, rates, styles, loudness, sounds that are no speech."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bithuman_core.audio import StreamResampler, TickQueue, float32_to_int16, int16_to_float32
from bithuman_core.speech import VISEME_NAMES
from bithuman_core.speech.arousal import USUAL
from bithuman_core.speech.effort import LEAST, MOST, Effort
from bithuman_core.speech.visemes import VISEME_GROUPS
from bithuman_core.timing import FPS, SAMPLE_RATE, SAMPLES_PER_TICK
from tests.speech_clips import CLIPS, CLOSED_GAP, lip_gaps, load_clip, mouths, shipped_net, speak

SECONDS = 2
SHUT_GAP = 0.03  # interocular distances: a mouth at rest, not speaking


@cache
def clip(name: str = CLIPS[0]) -> NDArray[np.int16]:
    return float32_to_int16(load_clip(name)[0])


def through_queue(samples: NDArray[np.int16], cuts: list[int]) -> NDArray[np.float32]:
    """The mouths of samples that arrive cut at the given places."""
    queue, stream, made = TickQueue(), shipped_net().stream(), []
    edges = [0, *sorted(cuts), samples.size]
    for a, b in itertools.pairwise(edges):
        queue.push(samples[a:b], "a")
        while (tick := queue.pop()) is not None:
            made.append(stream.push(int16_to_float32(tick.samples)).mouth)
    return np.stack(made)


@cache
def uncut() -> NDArray[np.float32]:
    return through_queue(clip()[: SECONDS * SAMPLE_RATE], [])


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, SECONDS * SAMPLE_RATE), max_size=40))
def test_any_chunks_give_the_same_mouth(cuts: list[int]) -> None:
    np.testing.assert_array_equal(through_queue(clip()[: SECONDS * SAMPLE_RATE], cuts), uncut())


@pytest.mark.parametrize("ticks", [1, 25, 250])
def test_silence_before_the_first_word_changes_nothing_to_see(ticks: int) -> None:
    samples, _ = load_clip(CLIPS[0])
    late = np.concatenate([np.zeros(ticks * SAMPLES_PER_TICK, np.float32), samples])
    at_once, later = lip_gaps(speak(samples)), lip_gaps(speak(late))
    assert later[: ticks - 1].max(initial=0.0) < SHUT_GAP
    assert np.abs(later[ticks:] - at_once).mean() < 0.004


@pytest.mark.parametrize(("rate", "tolerance"), [(8000, 0.025), (22050, 0.004), (44100, 0.002), (48000, 0.002)])
def test_the_rate_of_the_microphone_hardly_matters(rate: int, tolerance: float) -> None:
    there, back = StreamResampler(SAMPLE_RATE, rate), StreamResampler(rate, SAMPLE_RATE)
    sent = np.concatenate([there.push(clip()), there.finish()])
    heard = int16_to_float32(np.concatenate([back.push(sent), back.finish()]))
    heard = np.resize(heard, heard.size // SAMPLES_PER_TICK * SAMPLES_PER_TICK)
    ours, other = lip_gaps(speak(int16_to_float32(clip()))), lip_gaps(speak(heard))
    count = min(len(ours), len(other))
    assert np.abs(ours[:count] - other[:count]).mean() < tolerance


def test_style_opens_the_mouth_and_leaves_closures_alone() -> None:
    samples, _ = load_clip(CLIPS[1])
    mumbled, usual, clear = (lip_gaps(speak(samples, style)) for style in (0.5, 1.0, 1.5))
    wide = usual > 0.06
    assert wide.sum() > 10
    assert mumbled[wide].mean() < 0.8 * usual[wide].mean() < usual[wide].mean() < clear[wide].mean() / 1.15
    touching = usual < 0.0105  # the closed pose itself reads .010: the lips overlap by as much
    assert touching.sum() >= 5
    assert max(mumbled[touching].max(), clear[touching].max()) <= CLOSED_GAP


@pytest.mark.parametrize("style", [0.4, 1.6, float("nan")])
def test_a_style_out_of_range_is_refused(style: float) -> None:
    with pytest.raises(ValueError, match=r"from 0\.5 to 1\.5"):
        shipped_net().stream(style)


def test_who_speaks_up_opens_further_and_a_louder_microphone_does_not() -> None:
    samples, _ = load_clip(CLIPS[1])
    samples = 0.1 * samples / np.abs(samples).max()
    again = np.tile(samples, 3)
    louder = again.copy()
    louder[2 * samples.size :] *= 5.0  # 14 dB
    last = slice(-samples.size // SAMPLES_PER_TICK, None)
    usual, loud, gained = (lip_gaps(speak(x.astype(np.float32)))[last] for x in (again, louder, 5.0 * again))
    wide = usual > 0.06
    assert loud[wide].mean() > 1.05 * usual[wide].mean()
    assert np.abs(gained - usual).mean() < 0.004


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-120, 20), st.floats(0, 1)), max_size=200))
def test_effort_stays_in_its_limits(ticks: list[tuple[float, float]]) -> None:
    effort = Effort()
    assert all(LEAST <= effort.push(level, voice) <= MOST for level, voice in ticks)


def test_effort_knows_only_differences_and_forgets() -> None:
    quiet, loud = Effort(), Effort()
    levels = [-40.0, -42.0, -38.0] * 100
    assert [quiet.push(v, 1.0) for v in levels] == pytest.approx([loud.push(v + 30, 1.0) for v in levels])
    raised = [quiet.push(-25.0, 1.0) for _ in range(20 * FPS)]
    assert max(raised) > 1.1
    assert raised[-1] == pytest.approx(1.0, abs=0.03), "what lasts becomes the habit"
    quiet.push(0.0, 1.0)
    quiet.reset()
    assert quiet.opening == 1.0


def test_a_tense_voice_is_more_aroused_and_a_louder_microphone_is_not() -> None:
    samples, _ = load_clip(CLIPS[1])
    usual = np.tile(samples / np.abs(samples).max() * np.float32(0.3), 3)
    tense = usual.copy()
    part = slice(2 * samples.size, None)
    tense[part] = np.diff(usual[part], prepend=usual[part][:1])  # + 6 dB an octave
    courses = [np.array([t.arousal for t in speak(x)]) for x in (usual, tense, np.float32(0.1) * usual)]
    last = slice(-samples.size // SAMPLES_PER_TICK + 25, None)
    plain, high, gained = (c[last].mean() for c in courses)
    assert high > plain + 0.15
    assert gained == pytest.approx(plain, abs=0.03)
    assert all(c.min() > 0.0 and c.max() < 1.0 for c in courses)


def test_arousal_comes_back_to_the_usual_in_silence() -> None:
    samples, _ = load_clip(CLIPS[1])
    course = [t.arousal for t in speak(np.concatenate([samples, np.zeros(500 * SAMPLES_PER_TICK, np.float32)]))]
    assert course[-1] == pytest.approx(USUAL, abs=0.01)
    assert np.std(course) > 0.01


def harmonic(t: NDArray[np.float64], f0: float) -> NDArray[np.float64]:
    return np.sum([np.sin(2 * np.pi * f0 * h * t) / h for h in range(1, 8)], axis=0)


def sounds(seconds: int = 12) -> dict[str, NDArray[np.float32]]:
    """Typing, breath and music as a microphone hears them."""
    rng = np.random.default_rng(3)
    n = seconds * SAMPLE_RATE
    t = np.arange(n) / SAMPLE_RATE
    keys = np.zeros(n)
    for at in np.cumsum(rng.uniform(0.08, 0.3, 200)):
        start = int(at * SAMPLE_RATE)
        if start + 800 < n:
            keys[start : start + 800] += rng.standard_normal(800) * np.exp(-np.arange(800) / 120)
    swell = np.clip(np.sin(2 * np.pi * 0.3 * t), 0, None) ** 2
    breath = swell * np.convolve(rng.standard_normal(n), np.ones(4) / 4, "same")
    notes = np.array([220.0, 262.0, 330.0, 392.0])[(t / 0.5).astype(int) % 4]
    music = sum(harmonic(t, 1.0 * f) * (notes == f) * np.exp(-3 * (t % 0.5)) for f in np.unique(notes))
    return {k: (0.1 * v / np.abs(v).max()).astype(np.float32) for k, v in (("keys", keys), ("breath", breath), ("music", music))}


@pytest.mark.parametrize("sound", ["keys", "breath", "music"])
def test_sounds_that_are_no_speech_leave_the_mouth_shut(sound: str) -> None:
    gaps = lip_gaps(speak(sounds()[sound]))
    assert (gaps < SHUT_GAP).mean() >= 0.98


def test_laughter_and_shouting_do_not_freeze_the_mouth() -> None:
    samples, _ = load_clip(CLIPS[0])
    shouted = np.clip(8 * samples / np.abs(samples).max(), -1, 1).astype(np.float32)  # a clipping microphone
    t = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
    bursts = (np.sin(2 * np.pi * 4.5 * t) > 0) * np.exp(-6 * ((t * 4.5) % 1))  # ha ha ha
    laughter = (0.2 * harmonic(t, 260.0) * bursts).astype(np.float32)
    assert lip_gaps(speak(shouted)).std() > 0.6 * lip_gaps(speak(samples)).std()
    assert np.isfinite(mouths(speak(laughter))).all()
    after = lip_gaps(speak(np.concatenate([laughter, samples])))[-len(samples) // SAMPLES_PER_TICK :]
    assert np.corrcoef(after, lip_gaps(speak(samples)))[0, 1] > 0.9


def test_the_groups_of_visemes_are_a_partition() -> None:
    assert sorted(i for group in VISEME_GROUPS for i in group) == list(range(len(VISEME_NAMES)))

"""New speakers out of known ones: real speech taken apart by the WORLD vocoder and put together with another voice.

Pitch, formants, pace and the smoothness of the spectrum change; the phones stay, their times scale. Smooth envelopes with a plain
pulse train are also how statistical (HMM and cluster) voices sound, of which there are few that one may train on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyworld
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from training.speech.clip import RATE, Clip

FRAME_MS = 5.0  # WORLD's frame
WARP = 0.16  # formants move by up to this share
PACE = 0.25  # so does the pace (natural logarithm)
PITCH_HZ = (75.0, 280.0)  # mean of the new voice
PULSE_SHARE = 0.5  # voices whose voiced sounds are a bare pulse train
BUZZ = 0.02  # aperiodicity of those
TIMES = {"librispeech": 3, "ljspeech": 3, "librispeech-heard": 1, "grid": 1}  # new voices of every real clip
GRID_STEP = 4


def another_voice(rng: np.random.Generator, audio: NDArray[np.int16]) -> tuple[NDArray[np.int16], float]:
    """``audio`` (16 kHz) said by a random voice, and how many times as fast."""
    x = audio.astype(np.float64) / 32768.0
    f0, times = pyworld.dio(x, RATE, f0_floor=60.0, f0_ceil=400.0, frame_period=FRAME_MS)
    f0 = pyworld.stonemask(x, f0, times, RATE)
    size = pyworld.get_cheaptrick_fft_size(RATE, 71.0)
    envelope = pyworld.cheaptrick(x, f0, times, RATE, fft_size=size)
    noisy = pyworld.d4c(x, f0, times, RATE, fft_size=size)
    bins = np.arange(envelope.shape[1])
    warp = np.exp(rng.uniform(-WARP, WARP))
    at = np.clip(bins * warp, 0, bins[-1])
    low = at.astype(int).clip(max=bins[-1] - 1)
    part = at - low
    log = np.log(envelope + 1e-16)
    log = log[:, low] * (1 - part) + log[:, low + 1] * part
    envelope = np.exp(log)
    if rng.random() < 0.8:
        dimensions = int(rng.integers(18, 41))
        coded = pyworld.code_spectral_envelope(np.ascontiguousarray(envelope), RATE, dimensions)
        coded = gaussian_filter1d(coded, rng.uniform(0.3, 2.5), axis=0)
        mean = coded.mean(axis=0)
        coded = mean + (coded - mean) * rng.uniform(0.75, 1.05)  # statistical voices vary less
        envelope = pyworld.decode_spectral_envelope(np.ascontiguousarray(coded), RATE, size)
    voiced = f0 > 0
    if voiced.any():
        mean = np.log(f0[voiced]).mean()
        target = np.log(rng.uniform(*PITCH_HZ))
        f0[voiced] = np.exp(target + rng.uniform(0.3, 1.3) * (np.log(f0[voiced]) - mean)).clip(55, 480)
    if rng.random() < PULSE_SHARE:
        noisy[voiced] = BUZZ
    pace = float(np.exp(rng.uniform(-PACE, PACE)))
    made = pyworld.synthesize(f0, np.ascontiguousarray(envelope), noisy, RATE, FRAME_MS / pace)
    made /= max(1.0, np.abs(made).max() / 0.9)
    return np.asarray(made * 32767, np.int16), pace


def parametric(clips: Iterable[Clip], seed: int) -> Iterator[Clip]:
    """The real clips said again by other voices; what is held out stays so."""
    rng = np.random.default_rng(seed)
    filmed = 0
    for clip in clips:
        if clip.source == "grid" and not clip.held_out and (filmed := filmed + 1) % GRID_STEP:
            continue  # its 900 sentences are of one kind
        for k in range(TIMES.get(clip.source, 0)):
            audio, pace = another_voice(rng, clip.audio)
            segments = [(a / pace, b / pace, p) for a, b, p in clip.segments or []]
            speaker, source = f"{clip.speaker}+{k}", "parametric"
            yield Clip(audio, segments, source, speaker, held_out=clip.held_out, trust=clip.trust, name=clip.name)

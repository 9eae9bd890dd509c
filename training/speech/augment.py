"""What happens to speech between a mouth and a program: rooms, microphones, noise, gain, clipping."""

from __future__ import annotations

import io

import av
import numpy as np
from numpy.typing import NDArray
from scipy import fft

RATE = 16_000
Array = NDArray[np.float32]


def coloured_noise(rng: np.random.Generator, n: int, slope: float) -> Array:
    """Noise of unit power whose amplitude spectrum falls as f ** -slope (0 white, 0.5 pink, 1 brown)."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum *= np.maximum(np.arange(len(spectrum)), n * 20 / RATE) ** -slope
    return unit(np.fft.irfft(spectrum, n))


def unit(x: NDArray[np.floating]) -> Array:
    """``x`` scaled to power 1."""
    return (x / (np.sqrt(np.mean(np.square(x))) + 1e-9)).astype(np.float32)


def typing(rng: np.random.Generator, n: int) -> Array:
    """Keys: short resonant bursts at an uneven pace."""
    out = np.zeros(n, np.float32)
    at = 0.0
    while True:
        at += rng.exponential(0.17) + 0.03
        i, length = int(at * RATE), int(rng.uniform(0.01, 0.06) * RATE)
        if i + length >= n:
            return unit(out + 1e-4 * rng.standard_normal(n))
        t = np.arange(length) / RATE
        burst = rng.standard_normal(length) + 2 * np.sin(2 * np.pi * rng.uniform(300, 4000) * t)
        out[i : i + length] += (rng.uniform(0.2, 1) * burst * np.exp(-t * rng.uniform(80, 400))).astype(np.float32)


def music(rng: np.random.Generator, n: int) -> Array:
    """Chords of plucked or held harmonic tones, with drums now and then."""
    out = np.zeros(n, np.float64)
    beat = rng.uniform(0.2, 0.7)
    decay = rng.choice([0.3, 1.0, 3.0, 8.0])
    drums = rng.random() < 0.5
    for k in range(int(n / RATE / beat)):
        i = int(k * beat * RATE)
        length = min(n - i, int(RATE * 1.5 * beat))
        t = np.arange(length) / RATE
        envelope = np.exp(-decay * t) * np.minimum(1, t / 0.01)
        for _ in range(rng.integers(1, 4)):
            f0 = 110 * 2 ** (rng.integers(0, 36) / 12)
            for h in range(1, 7):
                out[i : i + length] += envelope * np.sin(2 * np.pi * f0 * h * t + rng.uniform(0, 6.28)) * rng.uniform(0.2, 1) / h
        if drums:
            out[i : i + length] += 2 * rng.standard_normal(length) * np.exp(-30 * t)
    return unit(out)


def breath(rng: np.random.Generator, n: int) -> Array:
    """Slow swells of broad noise, as of breathing or wind."""
    noise = coloured_noise(rng, n, rng.uniform(0.1, 0.5))
    t = np.arange(n) / RATE
    swell = np.maximum(0, np.sin(2 * np.pi * rng.uniform(0.2, 0.6) * t + rng.uniform(0, 6.28))) ** 2
    return unit(noise * swell + 1e-3 * noise)


def hum(rng: np.random.Generator, n: int) -> Array:
    """Mains hum or a fan: steady low harmonics with a little noise."""
    t = np.arange(n) / RATE
    f0 = rng.choice([50.0, 60.0, rng.uniform(80, 300)])
    tones = [np.sin(2 * np.pi * f0 * h * t + rng.uniform(0, 6.28)) / h ** rng.uniform(0.5, 1.5) for h in range(1, 12)]
    tone = np.sum(tones, axis=0)
    return unit(unit(tone) + rng.uniform(0.05, 0.5) * coloured_noise(rng, n, 0.5))


def noise_bank(rng: np.random.Generator, count: int, seconds: float) -> list[Array]:
    """``count`` noises of every kind, each of unit power."""
    n = int(seconds * RATE)
    bank: list[Array] = []
    for i in range(count):
        kind = i % 8
        if kind < 4:
            bank.append(coloured_noise(rng, n, (0.0, 0.5, 0.5, float(rng.uniform(0, 1.1)))[kind]))
        else:
            bank.append((typing, music, breath, hum)[kind - 4](rng, n))
    return bank


def room(rng: np.random.Generator) -> Array:
    """A room's impulse response: the direct sound at time 0, then a decaying tail (Polack's model)."""
    decay = rng.uniform(0.08, 0.6)  # s, T60
    t = np.arange(int(decay * RATE)) / RATE
    tail = rng.standard_normal(len(t)) * np.exp(-6.9 * t / decay)
    tail[: int(rng.uniform(0.001, 0.01) * RATE)] = 0
    response = tail * np.sqrt(10 ** (-rng.uniform(0, 18) / 10) / (np.sum(tail**2) + 1e-9))
    response[0] += 1.0
    return response.astype(np.float32)


def microphone(rng: np.random.Generator, bins: int) -> Array:
    """A random smooth response over 0..8 kHz, sometimes cut to a telephone's or a codec's band."""
    f = np.linspace(0, RATE / 2, bins)
    knots = np.array([0, 150, 400, 1000, 2000, 3500, 5500, 8000])
    gain = 10 ** (np.interp(f, knots, rng.normal(0, 5, len(knots))) / 20)
    cut = rng.random()
    if cut < 0.12:
        gain[(f < 300) | (f > 3400)] *= 0.01
    elif cut < 0.3:
        gain[f > rng.uniform(3200, 7000)] *= 0.01
    return gain.astype(np.float32)


def through(rng: np.random.Generator, x: Array, rooms: list[Array]) -> Array:
    """``x`` in a random room (four times in ten) before a random microphone."""
    size: int = fft.next_fast_len(len(x) + RATE // 2, real=True)  # type: ignore[assignment]
    spectrum = np.asarray(fft.rfft(x, size)) * microphone(rng, size // 2 + 1)
    if rng.random() < 0.4:
        spectrum *= np.asarray(fft.rfft(rooms[rng.integers(len(rooms))], size))
    return np.asarray(fft.irfft(spectrum, size), np.float32)[: len(x)]


def digitise(rng: np.random.Generator, x: Array) -> Array:
    """The wire: gain over 40 dB, now and then clipping, an offset, 8-bit mu-law or 16-bit rounding."""
    x = x / (np.abs(x).max() + 1e-9)
    fault = rng.random()
    if fault < 0.06:
        x = np.clip(x * rng.uniform(1.5, 5), -1, 1)
    elif fault < 0.12:
        x = x * 0.9 + rng.uniform(-0.08, 0.08)
    elif fault < 0.18:
        coded = np.round(np.sign(x) * np.log1p(255 * np.abs(x)) / np.log(256) * 127) / 127
        x = np.sign(coded) * (256 ** np.abs(coded) - 1) / 255
    x = x * 10 ** (rng.uniform(-40, 0) / 20)
    return (np.round(x * 32767) / 32768).astype(np.float32)


def warped(filters: Array, factor: float) -> Array:
    """A mel filter bank [bands, bins] that hears everything ``factor`` higher: a shorter or longer vocal tract."""
    bins = np.arange(filters.shape[1])
    return np.stack([np.interp(bins * factor, bins, band, right=0.0) for band in filters]).astype(np.float32)


def vocoded(rng: np.random.Generator, mel: Array) -> Array:
    """Log-mel [frames, bands] blurred in time and frequency, as parametric voices and coarse codecs blur speech."""
    for _ in range(rng.integers(1, 4)):
        padded = np.pad(mel, ((1, 1), (0, 0)), "edge")
        mel = (0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]).astype(np.float32)
    if rng.random() < 0.5:
        padded = np.pad(mel, ((0, 0), (1, 1)), "edge")
        mel = (0.25 * padded[:, :-2] + 0.5 * padded[:, 1:-1] + 0.25 * padded[:, 2:]).astype(np.float32)
    return mel


def opus(rng: np.random.Generator, x: Array) -> Array:
    """``x`` through the Opus codec at 12 to 64 kbit/s, as a call sends it; as long as before and not shifted."""
    sent = io.BytesIO()
    with av.open(sent, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=RATE, layout="mono")
        stream.bit_rate = int(rng.integers(12, 65)) * 1000
        frame = av.AudioFrame.from_ndarray((np.clip(x, -1, 1) * 32767).astype(np.int16)[None], "s16", "mono")
        frame.sample_rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    sent.seek(0)
    to_rate = av.AudioResampler("flt", "mono", RATE)
    with av.open(sent) as container:
        frames = [f for decoded in (*container.decode(audio=0), None) for f in to_rate.resample(decoded)]
    heard = np.concatenate([f.to_ndarray()[0] for f in frames])
    return np.pad(heard, (0, max(0, len(x) - len(heard))))[: len(x)].astype(np.float32)

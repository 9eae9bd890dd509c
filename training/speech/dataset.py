"""Clips to training examples: a random window at a random pace, disturbed, as log-mel and targets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from bithuman_core.audio.mel import log_mel
from bithuman_core.timing import SAMPLE_RATE, SAMPLES_PER_TICK, TICK_SECONDS
from training.speech import augment
from training.speech.clip import Clip
from training.speech.coarticulation import Targets, silence, targets
from training.speech.poses import with_gap
from training.speech.rig import LipModel

TICKS = 160  # 6.4 s an example
KEPT = 1000  # examples in store for another look
# How often each corpus is drawn, and how far its phone times and its lip gaps are trusted (the weight of either in the loss).
SHARE: dict[str, float] = {
    "librispeech": 0.11, "librispeech-heard": 0.18, "commands": 0.06, "ljspeech": 0.03, "grid": 0.18, "facegood": 0.03,
    "addresses": 0.04, "parametric": 0.15, "kokoro": 0.14, "hibari": 0.04, "flite": 0.03, "festival": 0.05, "espeak": 0.12,
    "nothing": 0.03,
}  # fmt: skip
LATE_SHARE = SHARE | {"espeak": 0.25}  # while settling: the languages besides English need more time
TRUST: dict[str, float] = {"facegood": 0.0}
GAP_TRUST: dict[str, float] = {"facegood": 0.7}
USES = 3  # of every example; making one costs as much as learning from it
MAX_PACE = 0.17  # natural logarithm


def at_pace(x: NDArray[np.int16], pace: float, start: int, count: int) -> NDArray[np.float32]:
    """``count`` samples from ``start`` of ``x`` read ``pace`` times as fast (pitch and formants move along); 0 outside of it."""
    positions = np.arange(start, start + count) * pace
    inside = (positions >= 0) & (positions < len(x) - 1)
    low = np.where(inside, positions, 0).astype(np.intp)
    part = (positions - low).astype(np.float32)
    line = x.astype(np.float32) / np.float32(32768)
    between = line[low] * (1 - part) + line[np.minimum(low + 1, len(x) - 1)] * part
    return np.where(inside, between, np.float32(0))


def clip_targets(clip: Clip, pace: float, start: float, frames: int, poses: NDArray[np.float32], lips: LipModel) -> Targets:
    """Targets for ``frames`` frames from ``start`` (s, in the time of the paced clip); measured gaps replace the table's."""
    if clip.segments is None:
        return silence(frames)
    moved = [(a / pace - start, b / pace - start, p) for a, b, p in clip.segments]
    inside = [s for s in moved if s[1] > -0.3 and s[0] < frames * TICK_SECONDS + 0.3]
    if not inside and clip.gap is None:
        return silence(frames)
    made = targets(inside, frames, poses) if inside else silence(frames)
    if clip.gap is not None:
        centres = (start + (np.arange(frames) + 0.5) * TICK_SECONDS) * pace
        measured = np.interp(centres, (np.arange(len(clip.gap)) + 0.5) * TICK_SECONDS, clip.gap)
        open_frames = (made.rest < 0.5) & (made.contact < 0.5) if clip.segments else np.ones(frames, bool)
        made.mouth[open_frames] = with_gap(lips, made.mouth[open_frames], measured[open_frames])
    return made


class Examples(torch.utils.data.IterableDataset):
    """An endless, seeded stream of (mel [640, bands], targets as arrays [160, ...], trust, gap trust)."""

    def __init__(
        self,
        clips: list[Clip],
        lips: LipModel,
        poses: NDArray[np.float32],
        filters: NDArray[np.float32],
        seed: int,
        shares: dict[str, float] = SHARE,
    ) -> None:
        super().__init__()
        self._lips, self._poses, self._filters, self._seed = lips, poses, filters, seed
        self._by_source: dict[str, list[Clip]] = {}
        for clip in clips:
            if not clip.held_out:
                self._by_source.setdefault(clip.source, []).append(clip)
        self._sources = [s for s in shares if s in self._by_source or s == "nothing"]
        share = np.array([shares[s] for s in self._sources])
        self._share = share / share.sum()

    def __iter__(self) -> Iterator[tuple[torch.Tensor, ...]]:
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([self._seed, worker.id if worker else 0])
        self._noises = augment.noise_bank(rng, 64, 12.0)
        self._banks = [augment.warped(self._filters, float(f)) for f in np.linspace(0.86, 1.15, 11)]
        self._rooms = [augment.room(rng) for _ in range(60)]
        kept: list[tuple[torch.Tensor, ...]] = []
        while True:
            example = self._example(rng)
            yield example
            if len(kept) < KEPT:
                kept.append(example)
                continue
            for _ in range(USES - 1):
                yield kept[rng.integers(KEPT)]
            kept[rng.integers(KEPT)] = example

    def _speech(self, rng: np.random.Generator, source: str, n: int) -> tuple[NDArray[np.float32], Targets, float]:
        """A window of n samples of one clip at a random pace, and its trust; silence before and after where the clip is short."""
        clips = self._by_source[source]
        clip = clips[rng.integers(len(clips))]
        pace = float(np.exp(rng.uniform(-MAX_PACE, MAX_PACE)))
        length = int(len(clip.audio) / pace)
        # A clip longer than the window starts somewhere in it, a shorter one lies somewhere inside the window.
        offset = int(rng.integers(-SAMPLE_RATE, max(1, length - n + SAMPLE_RATE // 2)))
        if length < n:
            offset = -int(rng.integers(0, n - length + 1))
        window = at_pace(clip.audio, pace, offset, n)
        made = clip_targets(clip, pace, offset / SAMPLE_RATE, n // SAMPLES_PER_TICK, self._poses, self._lips)
        return window, made, clip.trust

    def _noise(self, rng: np.random.Generator, n: int) -> NDArray[np.float32]:
        """A noise of unit power, at times people talking in the background."""
        if rng.random() < 0.15:
            voices = [self._speech(rng, "espeak" if k % 2 else "librispeech", n)[0] for k in range(5)]
            return augment.unit(np.sum(voices, axis=0))
        noise = self._noises[rng.integers(len(self._noises))]
        return np.roll(noise, rng.integers(len(noise)))[:n]

    def _example(self, rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
        n = TICKS * SAMPLES_PER_TICK
        source, believed = str(rng.choice(self._sources, p=self._share)), 1.0
        if source == "nothing":
            made = silence(TICKS)
            x = self._noises[rng.integers(len(self._noises))][:n] if rng.random() < 0.8 else np.zeros(n, np.float32)
            x = np.roll(x, rng.integers(n))
            if rng.random() < 0.3:
                x = x * (np.arange(n) > rng.integers(n))
        else:
            x, made, believed = self._speech(rng, source, n)
            power = np.mean(np.square(x)[np.abs(x) > 1e-4]) if (np.abs(x) > 1e-4).any() else 1e-6
            x = augment.through(rng, x, self._rooms) if rng.random() < 0.6 else x
            if rng.random() < 0.6:
                snr = rng.uniform(2, 32)
                x = x + self._noise(rng, n) * np.float32(np.sqrt(power / 10 ** (snr / 10)))
        if rng.random() < 0.07:
            x = augment.opus(rng, x.astype(np.float32))
        x = augment.digitise(rng, x.astype(np.float32))
        mel = log_mel(x, self._banks[rng.integers(len(self._banks))] if rng.random() < 0.6 else self._filters)
        if rng.random() < 0.2:
            mel = augment.vocoded(rng, mel)
        trust, gap_trust = (np.float32(believed * table.get(source, 1.0)) for table in (TRUST, GAP_TRUST))
        arrays = (mel, made.mouth, made.contact, made.rest, made.voice, made.phone, made.viseme, trust, gap_trust)
        return tuple(torch.as_tensor(a) for a in arrays)

"""Real speech without a transcript: two recognisers write down each clip, and what both hear alike is kept.

Moonshine gives the words, pocketsphinx the times of their phones. What pocketsphinx understands by itself, aligned the same way,
is the second opinion: the share of the time in which both say the same phone is how far a passage is trusted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bithuman_core.ears.moonshine import Moonshine
from training.speech.align import FRAME, Aligner
from training.speech.clip import RATE, Clip, Segment, read_16k
from training.speech.coarticulation import merge_pauses
from training.speech.phones import SILENCE

PAUSE = 0.2  # s: a silence in which a passage may end
SHORTEST = 1.5  # s of a passage; a shorter one goes on through its pause
LEAST_AGREEMENT = 0.4  # of a passage; the aligner's errors alone leave .8
Passage = tuple[float, float, float]  # start s, end s, agreement 0..1


def heard(paths: Iterable[tuple[Path, str]], source: str, cache: Path) -> Iterator[Clip]:
    """Passages of every (sound file, speaker) that two recognisers agree on, each a clip of ``source``."""
    listeners = Listeners(cache)
    for path, speaker in paths:
        audio = read_16k(path)
        for start, end, agreement, inside in listeners.agreed(audio, path.stem):
            part = audio[int(start * RATE) : int(end * RATE)]
            yield Clip(part, inside, source, speaker, name=f"{path.stem}+{start:.2f}", trust=agreement)


class Listeners:
    """Both recognisers. ``cache``: a folder in which what they hear is kept by name, so that a stopped run goes on."""

    def __init__(self, cache: Path) -> None:
        cache.mkdir(parents=True, exist_ok=True)
        self._cache, self._aligner, self._ears = cache, Aligner(), Moonshine()

    def agreed(self, audio: NDArray[np.int16], name: str) -> Iterator[tuple[float, float, float, list[Segment]]]:
        """Passages that both hear alike: start and end (s), agreement 0..1, and the phones in them, from the start of each."""
        kept = self._cache / f"{name}.json"
        if not kept.exists():
            temporary = kept.with_suffix(".part")
            temporary.write_text(json.dumps(two_opinions(audio, self._aligner, self._ears)))
            temporary.rename(kept)
        said, own = ([(a, b, str(p)) for a, b, p in opinion] for opinion in json.loads(kept.read_text()))
        for start, end, agreement in passages(said, own, len(audio) / RATE):
            if agreement >= LEAST_AGREEMENT:
                inside = [(max(a - start, 0.0), min(b, end) - start, p) for a, b, p in said if a < end and b > start]
                yield start, end, agreement, inside


def two_opinions(audio: NDArray[np.int16], aligner: Aligner, ears: Moonshine) -> tuple[list[Segment], list[Segment]]:
    """Phones by Moonshine's words and by pocketsphinx's; empty where none were heard or found."""
    texts = (ears.transcribe(audio), aligner.recognise(audio))
    said, own = ((aligner.align(audio, text) or []) if any(c.isalpha() for c in text) else [] for text in texts)
    return said, own


def passages(said: list[Segment], own: list[Segment], seconds: float) -> Iterator[Passage]:
    """The stretches between the pauses of ``said``, and the share of each one's speech in which ``own`` says the same."""
    cuts = [0.0]
    for a, b, phone in merge_pauses(said):
        if phone == SILENCE and b - a >= PAUSE and (a + b) / 2 - cuts[-1] >= SHORTEST:
            cuts.append((a + b) / 2)
    if seconds - cuts[-1] < SHORTEST and len(cuts) > 1:
        cuts.pop()
    first, second = by_frame(said, seconds), by_frame(own, seconds)
    for start, end in zip(cuts, [*cuts[1:], seconds], strict=True):
        part = slice(int(start / FRAME), int(end / FRAME))
        spoken = (first[part] != SILENCE) | (second[part] != SILENCE)
        if spoken.any():
            yield start, end, float((first[part] == second[part])[spoken].mean())


def by_frame(segments: list[Segment], seconds: float) -> NDArray[np.str_]:
    """The phone of every 10 ms."""
    line = np.full(int(seconds / FRAME) + 1, SILENCE, "<U4")
    for a, b, phone in segments:
        line[round(a / FRAME) : round(b / FRAME)] = phone
    return line

"""All clips of the training, made once and kept in a cache folder."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

from training.speech import espeak, festival, flite, kokoro, parametric, real
from training.speech.align import Aligner
from training.speech.clip import Clip

log = logging.getLogger(__name__)
SEED = 7
FLITE_CLIPS, FESTIVAL_CLIPS_A_VOICE, ESPEAK_CLIPS, KOKORO_CLIPS = 450, 80, 2400, 360


def makers(data: Path, cache: Path) -> dict[str, Callable[[list[Clip]], Iterator[Clip]]]:
    """A generator for every corpus, which may use the clips of the corpora before it."""
    return {
        "librispeech": lambda _: real.librispeech(data, Aligner()),
        "ljspeech": lambda _: real.ljspeech(data, Aligner()),
        "grid": lambda _: real.grid(data, Aligner()),
        "facegood": lambda _: real.facegood(data),
        "librispeech_untranscribed": lambda _: real.librispeech_untranscribed(data, Aligner()),
        "flite": lambda _: flite.flite(data, FLITE_CLIPS, SEED),
        "festival": lambda _: festival.festival(data, FESTIVAL_CLIPS_A_VOICE, SEED),
        "espeak": lambda _: espeak.espeak(data, ESPEAK_CLIPS, SEED),
        "kokoro": lambda _: kokoro.kokoro(data, cache, Aligner(), KOKORO_CLIPS, SEED),
        "parametric": lambda clips: parametric.parametric(clips, SEED),
    }


def load(data: Path, cache: Path) -> list[Clip]:
    """Every clip; a corpus that the cache folder lacks is made first (minutes on one core, all together)."""
    cache.mkdir(parents=True, exist_ok=True)
    clips: list[Clip] = []
    for name, make in makers(data, cache).items():
        path = cache / f"{name}.pickle"  # our own file, written a line below; nothing foreign is unpickled
        if not path.exists():
            made = list(make(clips))
            temporary = path.with_suffix(".part")
            temporary.write_bytes(pickle.dumps(made))
            temporary.rename(path)
        corpus: list[Clip] = pickle.loads(path.read_bytes())
        log.info("%-28s %5d clips %6.1f min", name, len(corpus), sum(len(c.audio) for c in corpus) / 16_000 / 60)
        clips += corpus
    return clips

"""All clips of the training, made once and kept in a cache folder."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

from training.speech import espeak, festival, flite, hibari, kokoro, parametric, real
from training.speech.align import Aligner
from training.speech.clip import Clip
from training.speech.films import films
from training.speech.heard import heard
from training.speech.rig import LipModel

log = logging.getLogger(__name__)
SEED = 7
FLITE_CLIPS, FESTIVAL_CLIPS_A_VOICE, ESPEAK_CLIPS, KOKORO_CLIPS, HIBARI_CLIPS = 450, 80, 2400, 360, 80


def makers(data: Path, cache: Path) -> dict[str, Callable[[list[Clip]], Iterator[Clip]]]:
    """A generator for every corpus, which may use the clips of the corpora before it."""
    return {
        "librispeech": lambda _: real.librispeech(data, Aligner()),
        "ljspeech": lambda _: real.ljspeech(data, Aligner()),
        "grid": lambda _: real.grid(data, Aligner()),
        "facegood": lambda _: real.facegood(data),
        "librispeech_heard": lambda _: heard(real.untranscribed(data), "librispeech-heard", cache / "heard"),
        "commands": lambda _: heard(commands(data), "commands", cache / "heard"),
        "addresses": lambda _: films(addresses(data), "addresses", cache / "heard", LipModel(data / "bake/mara/landmarks.npz")),
        "hibari": lambda _: hibari.hibari(data, Aligner(), HIBARI_CLIPS, SEED),
        "flite": lambda _: flite.flite(data, FLITE_CLIPS, SEED),
        "festival": lambda _: festival.festival(data, FESTIVAL_CLIPS_A_VOICE, SEED),
        "espeak": lambda _: espeak.espeak(data, ESPEAK_CLIPS, SEED),
        "kokoro": lambda _: kokoro.kokoro(data, cache, Aligner(), KOKORO_CLIPS, SEED),
        "parametric": lambda clips: parametric.parametric(clips, SEED),
    }


def commands(data: Path) -> list[tuple[Path, str]]:
    """Orders to a coffee machine by more than 50 people, who are not named: Picovoice/speech-to-intent-benchmark (Apache-2.0).

    Its ``data/speech/clean`` lies as ``speech-to-intent`` beside the other corpora; raises FileNotFoundError where it does not.
    """
    folder = data / "speech-to-intent"
    if not (paths := sorted(folder.glob("*.wav"))):
        raise FileNotFoundError(f"There is no sound in {folder}: put the files of data/speech/clean of the repository there.")
    return [(path, f"commands/{path.stem[:8]}") for path in paths]


def addresses(data: Path) -> list[tuple[Path, str]]:
    """One man's weekly addresses, in sentences: films of the White House, works of the US government, in the public domain.

    The eight films with sound of a whole sentence in musooff/obama lie as ``addresses`` beside the other corpora; raises
    FileNotFoundError where they do not.
    """
    folder = data / "addresses"
    if not (paths := sorted(folder.glob("*.mp4"))):
        raise FileNotFoundError(f"There is no film in {folder}: put the sentences of the repository musooff/obama there.")
    return [(path, "addresses/1") for path in paths]


def load(data: Path, cache: Path) -> list[Clip]:
    """Every clip; a corpus that the cache folder lacks is made first (an hour on one core, all together)."""
    clips: list[Clip] = []
    for name in makers(data, cache):
        clips += load_one(name, data, cache, clips)
    return clips


def load_one(name: str, data: Path, cache: Path, before: list[Clip]) -> list[Clip]:
    """One corpus of :func:`makers`, from the cache folder where that has it; ``before``: the clips of those before it."""
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / f"{name}.pickle"  # our own file, written a line below; nothing foreign is unpickled
    if not path.exists():
        made = list(makers(data, cache)[name](before))
        temporary = path.with_suffix(".part")
        temporary.write_bytes(pickle.dumps(made))
        temporary.rename(path)
    corpus: list[Clip] = pickle.loads(path.read_bytes())
    log.info("%-28s %5d clips %6.1f min", name, len(corpus), sum(len(c.audio) for c in corpus) / 16_000 / 60)
    return corpus

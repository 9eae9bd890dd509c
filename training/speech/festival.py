"""Synthetic speech with exact phone times: festival's voices of Debian, one American and eight European."""

from __future__ import annotations

import random
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from training.speech.clip import Clip, Segment, read_16k
from training.speech.phones import SILENCE, canonical, each
from training.speech.texts import sentences

# The phone names of the European voices (SAMPA, mostly), and what single voices call otherwise.
SAMPA = each({
    "# ## _": SILENCE, "a": "aa", "e": "ey", "E": "eh", "i": "iy", "o oe": "ow", "O": "ao", "u y": "uw", "@": "ax", "j": "y",
    "J": "n", "L": "l", "N n*": "ng", "nf": "v", "S": "sh", "Z": "zh", "tS": "ch", "dZ": "jh", "ts": "s", "dz": "z", "rr": "r",
    "D": "dh", "B": "v", "G": "g", "h x": "hh",
})  # fmt: skip
CZECH = each({
    "c": "s", "c~": "ch", "ch h": "hh", "s~": "sh", "z~ r~": "zh", "d~": "d", "t~": "t", "n~": "n", "dz~": "jh", "y": "iy",
})  # fmt: skip
RUSSIAN = each({
    "y yy": "ih", "c": "s", "sch": "sh", "hh": "hh", "ae": "eh", "ur": "uw", "pp": "p", "bb": "b", "mm": "m", "ff": "f",
    "vv": "v", "tt": "t", "dd": "d", "nn": "n", "kk": "k", "gg": "g", "ss": "s", "zz": "z", "ll": "l", "rr": "r",
    "aa": "aa", "ee": "ey", "ii": "iy", "oo": "ow", "uu": "uw",
})  # fmt: skip
VOICES: dict[str, dict[str, str]] = {
    "ked_diphone": {}, "upc_ca_ona_hts": {}, "lp_diphone": {}, "pc_diphone": {}, "suo_fi_lj_diphone": {}, "hy_fi_mv_diphone": {},
    "czech_dita": CZECH, "czech_machac": CZECH, "msu_ru_nsh_clunits": RUSSIAN,
}  # fmt: skip
CYRILLIC = str.maketrans("abcdefghijklmnopqrstuvwxyz", "абкдефгхижклмнопкрстувухыз")


def festival(data: Path, count: int, seed: int) -> Iterator[Clip]:
    """``count`` utterances by each of festival's voices; the foreign ones read English text by their own rules."""
    rng = random.Random(seed)
    for voice, phones in VOICES.items():
        with tempfile.TemporaryDirectory() as folder:
            script = [f"(voice_{voice})"]
            for i, text in enumerate(sentences(data, rng, count)):
                plain = "".join(c for c in text if c.isalnum() or c in " ,.?!'")
                if voice.startswith("msu_ru"):
                    plain = plain.lower().translate(CYRILLIC)
                say = f'(set! u (SynthText "{plain}")) (utt.save.wave u "{folder}/{i:04d}.wav" \'riff)'
                script.append(f"(Parameter.set 'Duration_Stretch {rng.uniform(0.75, 1.35):.2f})")  # and go on after a bad text:
                script.append(f'(unwind-protect (begin {say} (utt.save.segs u "{folder}/{i:04d}.lab")) nil)')
            (Path(folder) / "say.scm").write_text("\n".join(script))
            subprocess.run(["festival", "-b", f"{folder}/say.scm"], check=True, capture_output=True)
            for label in sorted(Path(folder).glob("*.lab")):
                segments = read_labels(label, phones)
                if len(segments) > 4:
                    yield Clip(read_16k(label.with_suffix(".wav")), segments, "festival", f"festival/{voice}")


def read_labels(path: Path, phones: dict[str, str]) -> list[Segment]:
    """An xlabel file (end s, colour, name) in our phones; raises KeyError for a name that nobody explained."""
    segments: list[Segment] = []
    start = 0.0
    for line in path.read_text().splitlines():
        fields = line.split()
        if len(fields) == 3:
            name = fields[2].rstrip("0123456789:")
            phone = phones.get(name) or SAMPA.get(name) or canonical(name)
            segments.append((start, float(fields[0]), phone))
            start = float(fields[0])
    return segments

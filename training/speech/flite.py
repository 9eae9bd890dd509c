"""Synthetic speech with exact phone times: flite's diphone voices kal and kal16.

flite's slt, rms and awb are the bench and never speak here.
"""

from __future__ import annotations

import random
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from training.speech.clip import Clip, Segment, read_16k
from training.speech.phones import canonical
from training.speech.texts import sentences


def flite(data: Path, count: int, seed: int) -> Iterator[Clip]:
    """``count`` utterances by flite's diphone voices at varied pitch and pace."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "said.wav"
        for text in sentences(data, rng, count):
            voice = rng.choice(("kal", "kal16", "kal16"))
            pace, pitch = f"duration_stretch={rng.uniform(0.75, 1.35):.2f}", f"int_f0_target_mean={rng.uniform(80, 210):.0f}"
            command = ["flite", "-voice", voice, "--setf", pace, "--setf", pitch, "-psdur", "-t", text, "-o", str(wav)]
            said = subprocess.run(command, capture_output=True, text=True, check=True)
            segments: list[Segment] = []
            start = 0.0
            for item in said.stdout.split():
                phone, end = item.split(":")
                segments.append((start, float(end), canonical(phone)))
                start = float(end)
            yield Clip(read_16k(wav), segments, "flite", f"flite/{voice}")

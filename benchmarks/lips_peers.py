"""Lip-sync packages for browsers, run in node on a sound file: ``python -m benchmarks.lips_peers PACKAGE IN.wav OUT.csv``.

The packages are fetched by :func:`install` into ``.cache/peers``; none of them is part of this project or shipped with it.
``lips_peers.mjs`` plays the browser. Their visemes become lip gaps by one table for all: the mean gap, measured on video of a
real speaker, of the phones that the viseme stands for. A weight below 1 leaves the rest to closed lips, as blend shapes do.
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import soundfile as sf
import soxr

from bithuman_core.files import replacing

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".cache/peers"
PACKAGES = {"wawa-lipsync": "0.0.2", "@met4citizen/headaudio": "0.1.0"}  # both MIT
RATE = 48000  # Hz, what a browser's audio context has
CLOSED = 0.010  # interocular distances
LIP_GAP = {
    "sil": CLOSED, "PP": CLOSED, "FF": 0.035, "TH": 0.027, "DD": 0.060, "kk": 0.060, "CH": 0.060, "SS": 0.060, "nn": 0.058,
    "RR": 0.044, "aa": 0.112, "E": 0.114, "I": 0.087, "O": 0.064, "U": 0.047,
}  # fmt: skip


def install() -> list[str]:
    """Fetch the packages where node and npm are there; the names of those that can be run."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        print("node and npm are not installed: wawa-lipsync and HeadAudio are left out", file=sys.stderr)
        return []
    if not all((FOLDER / "node_modules" / name).is_dir() for name in PACKAGES):
        FOLDER.mkdir(parents=True, exist_ok=True)
        wanted = [f"{name}@{version}" for name, version in PACKAGES.items()]
        command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(FOLDER), *wanted]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"npm could not fetch the peers, they are left out: {done.stderr.strip()[-200:]}", file=sys.stderr)
    return [name for name in PACKAGES if (FOLDER / "node_modules" / name).is_dir()]


def main(package: str, wav: str, target: str) -> None:
    """Write the motion CSV (time, viseme, lipGap) of ``wav`` by ``package``."""
    samples, rate = sf.read(wav, dtype="float32")
    sound = soxr.resample(samples, rate, RATE).astype("<f4").tobytes()
    driver = ["node", str(Path(__file__).with_name("lips_peers.mjs")), package, str(FOLDER)]
    said = json.loads(subprocess.run(driver, input=sound, stdout=subprocess.PIPE, check=True).stdout)
    with replacing(Path(target)) as temporary, temporary.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("time", "viseme", "lipGap"))
        for k, (viseme, weights) in enumerate(zip(said["visemes"], said["weights"], strict=True)):
            gap = CLOSED + sum(w * (LIP_GAP[name] - CLOSED) for name, w in weights.items())
            table.writerow((f"{k / 25:.2f}", viseme, f"{gap:.4f}"))


if __name__ == "__main__":
    main(*sys.argv[1:])

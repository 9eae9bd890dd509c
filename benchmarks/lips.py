"""How well the lips follow speech, beside the peers: ``python benchmarks/lips.py [--json OUT.json] [--plot docs/lips.webp]``.

Runs the lip bench (24 synthetic utterances with exact phone times, clean and noisy, and 60 clips of real faces; none of its
voices and clips is trained on) on this engine's command line, a loudness flap, pocketsphinx (where installed) and two packages
of npm (where node is) in one run, then the sets of ``lips_sets.py``. ``--only bench`` leaves those out.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import lips_bench, lips_peers  # noqa: E402 (run as a file, the root must be on the path first)

COMMAND = f"{sys.executable} -m bithuman_core motion {{wav}} -o {{csv}}"
NEEDED = ("flite", "ffmpeg")  # programs of the bench
SHOWN = 3  # the bench's sentence in the picture, by its first voice: "Please move both boxes from the back porch."
TARGETS = {
    "clean": {"r": 0.90, "closures": 0.95, "false_closures": 0.03, "class_accuracy": 0.80},
    "20 dB": {"r": 0.85, "class_accuracy": 0.72},
    "10 dB": {"r": 0.75, "closures": 0.85, "class_accuracy": 0.60},
    "real faces": {"r": 0.82},
}


def missing(bench: Path) -> list[str]:
    """What stands in the way of the bench, in words."""
    lacks = [f"the program {name} (a Debian package)" for name in NEEDED if shutil.which(name) is None]
    if not (bench / "bench.py").is_file():
        lacks.append(f"the bench itself ({bench / 'bench.py'})")
    if not (ROOT / "models/mara.imx").is_file():
        lacks.append("models/mara.imx, on which the lip gap is measured (make it with training/avatars)")
    return lacks


def against_targets(ours: dict[str, dict[str, float]]) -> str:
    """Every target with what was reached, Markdown."""
    lines = ["", "| set | figure | target | reached |", "|---|---|---|---|"]
    for label, wanted in TARGETS.items():
        for name, target in wanted.items():
            got = ours[label][name]
            holds = got <= target if name == "false_closures" else got >= target
            lines.append(f"| {label} | {name} | {target:.2f} | {got:.2f}{'' if holds else ' (missed)'} |")
    return "\n".join(lines)


def plot(bench: Path, path: Path) -> None:
    """The picture of one sentence of the bench."""
    sys.path.insert(0, str(bench))
    import bench as lip_bench
    import lip_metrics

    from benchmarks.lips_plot import draw

    with tempfile.TemporaryDirectory() as folder:
        wav, segments = lip_bench.synthetic_clips(folder)[SHOWN]
        tracks = {"loudness": lip_bench.loudness_engine(wav).gap}
        try:
            tracks["pocketsphinx"] = lip_bench.pocketsphinx_engine()(wav).gap
        except ImportError:
            print("pocketsphinx is not installed: the picture does without it", file=sys.stderr)
        tracks |= {p.rpartition("/")[2]: lips_bench.browser(p, lip_metrics)(wav).gap for p in lips_peers.install()}
        tracks["ours"] = lip_bench.command_engine(COMMAND)(wav).gap
    centres = (np.arange(len(tracks["ours"])) + 0.5) / 25
    phones = [next((p for a, b, p in segments if a <= t < b), "pau") for t in centres]
    real = np.array([lip_metrics.OPENNESS.get(p, 0.06) for p in phones])
    draw(path, lip_bench.SENTENCES[SHOWN], segments, {"real lips, by phone": real, **tracks})


def main() -> int:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--bench", type=Path, default=ROOT / "../shared/tools/lip_bench", help="folder of bench.py")
    args.add_argument("--data", type=Path, default=ROOT / "../shared/data", help="folder of the corpora")
    args.add_argument("--json", type=Path, help="also write the figures here")
    args.add_argument("--plot", type=Path, help="also draw one sentence here")
    args.add_argument("--only", choices=("bench", "sets", "plot"), help="do one part")
    opt = args.parse_args()
    if lacks := missing(opt.bench):
        print("The lip bench cannot run: it needs " + ", ".join(lacks) + ".", file=sys.stderr)
        return 1
    if opt.only in (None, "sets") and find_spec("pocketsphinx") is None:
        print("The sets need pocketsphinx (pip install pocketsphinx), or leave them out with --only bench.", file=sys.stderr)
        return 1
    figures: dict[str, object] = {}
    if opt.only in (None, "bench"):
        reached: dict[str, dict[str, dict[str, float]]] = {}
        for engine, label, got in lips_bench.scores(opt.bench):
            print(lips_bench.row(engine, label, got), flush=True)
            reached.setdefault(engine, {})[label] = got
        figures = dict(reached)
        print(against_targets(reached["ours"]))
    if opt.only in (None, "sets"):
        from benchmarks.lips_sets import Sets, table

        for title, scores in Sets(opt.bench, opt.data).all().items():
            print(table(title, scores), flush=True)
            figures[title] = scores
    if opt.json and figures:
        from bithuman_core.files import replacing

        with replacing(opt.json) as temporary:
            temporary.write_text(json.dumps(figures, indent=1) + "\n")
    if opt.plot:
        plot(opt.bench, opt.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())

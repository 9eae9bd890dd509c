"""How well the lips follow speech, beside a loudness flap: ``python benchmarks/lips.py [--bench FOLDER] [--json OUT.json]``.

Runs the lip bench (24 synthetic utterances with exact phone times, clean and noisy, and 60 clips of real faces; none of its
voices and clips is trained on) on this engine's command line and on the peers, in one run.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMMAND = f"{sys.executable} -m bithuman_core motion {{wav}} -o {{csv}}"
NEEDED = ("flite", "ffmpeg")  # programs of the bench
COLUMNS = ("r", "best_lag_ms", "closures", "false_closures", "class_accuracy", "x_realtime")
SETS = ("clean", "20 dB", "10 dB", "real faces")


def missing(bench: Path) -> list[str]:
    """What stands in the way of the bench, in words."""
    lacks = [f"the program {name} (a Debian package)" for name in NEEDED if shutil.which(name) is None]
    if not (bench / "bench.py").is_file():
        lacks.append(f"the bench itself ({bench / 'bench.py'})")
    if not (ROOT / "models/mara.imx").is_file():
        lacks.append("models/mara.imx, on which the lip gap is measured (make it with training/avatars)")
    return lacks


def parse(table: str) -> dict[str, dict[str, dict[str, float]]]:
    """The bench's printed table as {engine: {set: {column: value}}}."""
    scores: dict[str, dict[str, dict[str, float]]] = {}
    for line in table.splitlines()[1:]:
        engine = line.split(maxsplit=1)[0]
        label = next((s for s in SETS if line[len(engine) :].strip().startswith(s)), None)
        if label is None:
            continue
        values = line[line.index(label) + len(label) :].replace("ms", "").split()
        scores.setdefault(engine, {})[label] = {name: float(v) for name, v in zip(COLUMNS, values, strict=False)}
    return scores


def main() -> int:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--bench", type=Path, default=ROOT / "../shared/tools/lip_bench", help="folder of bench.py")
    args.add_argument("--json", type=Path, help="also write the figures here")
    opt = args.parse_args()
    if lacks := missing(opt.bench):
        print("The lip bench cannot run: it needs " + ", ".join(lacks) + ".", file=sys.stderr)
        return 1
    command = [sys.executable, str(opt.bench / "bench.py"), "--command", COMMAND, "--peers"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, end="")
    if opt.json and done.returncode == 0:
        temporary = opt.json.with_suffix(".part")
        temporary.write_text(json.dumps(parse(done.stdout), indent=1))
        temporary.rename(opt.json)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())

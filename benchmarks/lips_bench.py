"""The lip bench's clips and measures (``bench.py``, ``lip_metrics.py``) on every engine, all in one process.

``bench.py --command`` starts a process a clip; here the same commands run in this one, which takes minutes instead of a
quarter of an hour. The clips, the metrics and what is called are the same.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks import lips_peers
from bithuman_core.cli import app

Engine = Callable[[str], Any]  # the path of a sound file to the bench's Track
COLUMNS = ("r", "best_lag_ms", "closures", "false_closures", "class_accuracy")


def ours(metrics: ModuleType) -> Engine:
    """``bithuman-core motion``."""

    def run(wav: str) -> Any:
        csv = wav[:-4] + ".csv"
        app(["motion", wav, "-o", csv], standalone_mode=False)
        return metrics.read_motion_csv(csv)

    return run


def browser(package: str, metrics: ModuleType) -> Engine:
    """A package of npm, in node."""

    def run(wav: str) -> Any:
        csv = wav[:-4] + ".csv"
        lips_peers.main(package, wav, csv)
        return metrics.read_motion_csv(csv)

    return run


def scores(folder: Path) -> Iterator[tuple[str, str, dict[str, float]]]:
    """(engine, set, figures) with the bench in ``folder``; the engines that are not installed are named on stderr."""
    sys.path.insert(0, str(folder))
    import bench
    import lip_metrics as metrics

    engines: dict[str, Engine] = {"ours": ours(metrics), "loudness": bench.loudness_engine}
    try:
        engines["pocketsphinx"] = bench.pocketsphinx_engine()
    except ImportError:
        print("pocketsphinx is not installed: it is left out", file=sys.stderr)
    engines |= {package.rpartition("/")[2]: browser(package, metrics) for package in lips_peers.install()}
    with tempfile.TemporaryDirectory() as work:
        clean = bench.synthetic_clips(work)
        sets = {"clean": clean}
        for snr in (20, 10):
            sets[f"{snr} dB"] = [(bench.with_noise(wav, snr, i), segments) for i, (wav, segments) in enumerate(clean)]
        real = bench.real_clips(work)
        for name, engine in engines.items():
            for label, clips in sets.items():
                got = metrics.phone_scores([(segments, engine(wav)) for wav, segments in clips])
                yield name, label, {column: float(got[column]) for column in COLUMNS}
            got = metrics.face_scores([(gap, engine(wav)) for wav, gap in real])
            yield name, "real faces", {column: float(got[column]) for column in COLUMNS[:2]}


def row(name: str, label: str, figures: dict[str, float]) -> str:
    """One line of the printed table."""
    cells = [f"{c} {v:+.0f}" if c == "best_lag_ms" else f"{c} {v:.2f}" for c, v in figures.items()]
    return f"{name:14s}{label:12s}" + "  ".join(cells)

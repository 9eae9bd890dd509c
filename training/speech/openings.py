"""How far the lips open in each phone, read from a real speaker: ``python -m training.speech.openings``.

The blend of ``coarticulation.py`` is linear in the openings, so those that bring it nearest to the measured lips of GRID are the
solution of a least-squares problem; a phone that is seldom heard stays near the line that the others make of the table in use.
Printed are the new table, and how well the blend follows lips that it was not fitted to, before and after.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bithuman_core.timing import TICK_SECONDS
from training.speech.clip import Clip, Segment
from training.speech.coarticulation import FADE, OPENING, SUBSTEPS, merge_pauses, pulls
from training.speech.corpora import load_one
from training.speech.phones import BILABIALS, GAP_OF_PHONE, PHONE_INDEX, PHONES
from training.speech.poses import GLIDES

HELD_BACK = 600.0  # frames: a phone heard for so long goes half of the way from the line to its own opening
NEAR_CONTACT = 0.02  # s around p, b, m in which the opening is not the blend's
ROOT = Path(__file__).parents[2]


def shares(segments: list[Segment], frames: int) -> NDArray[np.float64]:
    """What every phone has of every frame's opening, [frames, phones]."""
    segments = merge_pauses(segments)
    weight, along = pulls(segments, frames, OPENING, FADE)
    found = np.zeros((len(weight), len(PHONES)))
    for k, (_, _, phone) in enumerate(segments):
        _, first, _, last = GLIDES.get(phone, ("", 1.0, "", 1.0))
        found[:, PHONE_INDEX[phone]] += weight[:, k] * (first * (1 - along[:, k]) + last * along[:, k])
    return found.reshape(frames, SUBSTEPS, -1).mean(axis=1)


def parted(segments: list[Segment], frames: int) -> NDArray[np.bool_]:
    """Frames away from p, b, m."""
    centres = (np.arange(frames) + 0.5) * TICK_SECONDS
    free = np.ones(frames, bool)
    for start, end, phone in segments:
        if phone in BILABIALS:
            free &= (centres < start - NEAR_CONTACT) | (centres >= end + NEAR_CONTACT)
    return free


def equations(clips: list[Clip]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shares [n, phones] and measured gaps [n] of all frames away from p, b, m."""
    rows, gaps = [], []
    for clip in clips:
        if clip.gap is not None and clip.segments:
            free = parted(clip.segments, len(clip.gap))
            rows.append(shares(clip.segments, len(clip.gap))[free])
            gaps.append(clip.gap[free])
    return np.concatenate(rows), np.concatenate(gaps).astype(np.float64)


def fit(rows: NDArray[np.float64], gaps: NDArray[np.float64], table: NDArray[np.float64]) -> NDArray[np.float64]:
    """The openings of all phones; ``table`` those in use."""
    slope, offset = np.polyfit(rows @ table, gaps, 1)
    line = slope * table + offset
    return line + np.linalg.solve(rows.T @ rows + HELD_BACK * np.eye(len(table)), rows.T @ (gaps - rows @ line))


def main() -> None:
    args = argparse.ArgumentParser(prog="python -m training.speech.openings", description=__doc__)
    args.add_argument("--data", type=Path, default=ROOT / "../shared/data", help="folder of the corpora")
    args.add_argument("--cache", type=Path, default=ROOT / ".cache/speech", help="aligned clips")
    opt = args.parse_args()
    clips = load_one("grid", opt.data, opt.cache, [])
    table = np.array([GAP_OF_PHONE.get(phone, 0.0) for phone in PHONES])
    rows, gaps = equations([c for c in clips if not c.held_out])
    fitted = fit(rows, gaps, table)
    heard = rows.sum(axis=0)
    print("  ".join(f"{phone} {gap:.3f} ({frames:.0f})" for phone, gap, frames in zip(PHONES, fitted, heard, strict=True)))
    rows, gaps = equations([c for c in clips if c.held_out])
    for name, opening in (("in use", table), ("fitted", fitted)):
        said = rows @ opening
        r, spread, mean = np.corrcoef(said, gaps)[0, 1], said.std() / gaps.std(), said.mean() / gaps.mean()
        print(f"{name}: r {r:.3f}, spread {spread:.2f}, mean {mean:.2f} of the real")


if __name__ == "__main__":
    main()

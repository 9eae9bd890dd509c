"""How true a mouth is that is redrawn into a film: ``python -m benchmarks.film``

Of some frames of the shipped film another one was path-traced, which differs in the mouth alone (``training/avatars/film.py``
renders both). The avatar draws that mouth into its own frame; beside it stand the frame as it is, and the portrait of the same
character in the same pose. Compared are face box and mouth box, as ``benchmarks.fidelity`` does.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from bithuman_core.face import BREATH, FaceState
from bithuman_core.imx import read_imx
from bithuman_core.render import FootageRenderer, PortraitRenderer, any_rig, read_rig
from bithuman_core.settings import models_dir
from training.avatars.film import FOLDER, PAUSE, TALK, composed

ROOT = Path(__file__).resolve().parents[1]
Box = tuple[slice, slice]
BOXES: dict[str, Box] = {"face": (slice(113, 399), slice(133, 379)), "mouth": (slice(280, 375), slice(185, 327))}
"""Rows and columns of a frame of 512 px; that of the face is ``benchmarks.fidelity``'s."""


def posed(described: dict[str, Any]) -> FaceState:
    """The face of a frame of ``motion.json``."""
    return FaceState.from_mapping({**described["coefficients"], **described["head"], BREATH: described["breath"]})


def scores(truth: NDArray[np.uint8], made: NDArray[np.uint8], box: Box) -> tuple[float, float]:
    """SSIM and PSNR (dB) within the box."""
    a, b = truth[box], made[box]
    alike: Any = structural_similarity(a, b, channel_axis=2)
    return float(alike), float(peak_signal_noise_ratio(a, b))


def main() -> int:
    """Print the table; 1 where the rendered frames are not on this machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", default="mara")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="folder of data/bake")
    parser.add_argument("--keep", type=Path, help="folder for pictures: truth, film as it is, redrawn, portrait")
    options = parser.parse_args()
    folder, bake = FOLDER / options.name, options.shared / "data" / "bake" / options.name
    if not (folder / "motion.json").is_file() or not bake.is_dir():
        print(f"{folder} or {bake} is not here: render the film first (training/avatars/README.md).")
        return 1
    motion = json.loads((folder / "motion.json").read_text())["frames"]
    rig = any_rig(read_imx(models_dir() / f"{options.name}_film.imx"))
    film = FootageRenderer(rig)  # type: ignore[arg-type]
    portrait = PortraitRenderer(read_rig(read_imx(models_dir() / f"{options.name}.imx")))
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for name in sorted(n for n in motion if n.startswith("truth_")):
        frame, face = TALK + PAUSE + int(name[6:]), posed(motion[name])
        mouth = FaceState(face.values - posed(motion[f"idle_{name[6:]}"]).values).clipped()  # beside what the film has of its own
        truth, _ = composed(folder / f"{name}.webp", bake)
        made = {
            "as it is": film.render(FaceState(), frame)[..., ::-1],
            "redrawn": film.render(mouth, frame)[..., ::-1],
            "portrait": portrait.render(face)[..., ::-1],
        }
        if options.keep is not None:
            options.keep.mkdir(parents=True, exist_ok=True)
            row = np.hstack([truth, *made.values()])
            Image.fromarray(row).save(options.keep / f"{name}.png")
        for way, picture in made.items():
            for where, box in BOXES.items():
                found.setdefault((way, where), []).append(scores(truth, np.ascontiguousarray(picture), box))
    print(f"{options.name}_film.imx against {len(next(iter(found.values())))} frames with another mouth, path-traced")
    print(f"{'':12s}{'box':8s}{'SSIM':>8s}{'min':>8s}{'PSNR':>8s}{'min':>8s}")
    for (way, where), values in found.items():
        s = np.array(values)
        print(f"{way:12s}{where:8s}{s[:, 0].mean():8.3f}{s[:, 0].min():8.3f}{s[:, 1].mean():8.2f}{s[:, 1].min():8.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

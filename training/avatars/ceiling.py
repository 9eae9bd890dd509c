"""What a perfect rig could score: renders of one face that differ in their sampling seed alone, compared with each other.

    python -m training.avatars.ceiling render --tools ../shared/tools/bake_avatar --head3d ../shared/data/head3d mara
    python -m training.avatars.ceiling score --tools ../shared/tools/bake_avatar mara

``render`` runs in the environment of the bake tool (its requirements.txt: bpy) and keeps frames that exist; ``score`` runs in
that of the project. Pictures: the face box of the neutral face at 512 px, as many samples a pixel as the truth frames, in
``.cache/ceiling/NAME``.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from itertools import permutations
from pathlib import Path

import numpy as np
from PIL import Image

SIDE, SAMPLES = 512, 16  # px and samples a pixel, as the truth frames
BOX = (133, 112, 378, 399)  # x0, y0, x1, y1 of the face box of tools/fidelity
FOLDER = Path(__file__).resolve().parents[2] / ".cache" / "ceiling"


def render(names: list[str], head3d: Path, seeds: int, threads: int) -> None:
    """Write one neutral frame a seed and character."""
    model, look, stages = (importlib.import_module(n) for n in ("headmodel", "look", "stage"))
    looks, character = importlib.import_module("characters").CHARACTERS, importlib.import_module("character")
    for name in names:
        folder = FOLDER / name
        folder.mkdir(parents=True, exist_ok=True)
        missing = [k for k in range(seeds) if not (folder / f"{k}.webp").exists()]
        if not missing:
            continue
        head = model.HeadModel(head3d, model.load_coefficients(head3d, name), looks[name]["rest"])
        stage = stages.Stage(threads)
        actor = character.Character(looks[name], head, head3d)
        stage.catchlight([actor.parts[k].object for k in ("sclL", "sclR")])
        actor.pose({}, (0.0, 0.0, 0.0))
        for k in missing:
            stage.scene.cycles.seed = 1000 + k
            picture, seconds = stage.render(SIDE, SAMPLES, BOX)
            look.save(folder / f"{k}.webp", look.bleed(look.grade(picture)), lossless=True)
            print(f"{name} seed {k} {seconds:.1f} s", flush=True)


def score(names: list[str], tools: Path) -> None:
    """Print SSIM and PSNR in the face box: of single renders, and of the mean of all others, against a render."""
    sys.path.insert(0, str(tools.resolve().parent / "fidelity"))
    tool = importlib.import_module("fidelity")
    print(f"{'':8s}{'renders':>8s}{'one: SSIM':>12s}{'PSNR':>8s}{'mean: SSIM':>12s}{'PSNR':>8s}")
    for name in names:
        files = sorted((FOLDER / name).glob("*.webp"))
        if len(files) < 2:
            raise SystemExit(f"{FOLDER / name} holds {len(files)} frames, two are needed: run the render step first.")
        frames = [_placed(f) for f in files]
        one = np.array([tool.compare(a, b) for a, b in permutations(frames, 2)]).mean(0)
        others = np.array([tool.compare(a, np.mean(frames[:k] + frames[k + 1:], 0)) for k, a in enumerate(frames)]).mean(0)
        print(f"{name:8s}{len(frames):8d}{one[0]:12.3f}{one[1]:8.2f}{others[0]:12.3f}{others[1]:8.2f}", flush=True)


def _placed(file: Path) -> np.ndarray:
    """A face box in a frame of the full size."""
    x0, y0, x1, y1 = BOX
    frame = np.zeros((SIDE, SIDE, 3))
    frame[y0:y1, x0:x1] = np.asarray(Image.open(file).convert("RGB"))
    return frame


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("render", "score"))
    parser.add_argument("names", nargs="+", help="characters")
    parser.add_argument("--tools", type=Path, required=True, help="folder of the bake tool")
    parser.add_argument("--head3d", type=Path, help="folder of the head model (render)")
    parser.add_argument("--seeds", type=int, default=4, help="renders a character")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if options.step == "score":
        score(options.names, options.tools)
        return
    if options.head3d is None:
        parser.error("give the folder of the head model with --head3d")
    sys.path.insert(0, str(options.tools))
    render(options.names, options.head3d.resolve(), options.seeds, options.threads)


if __name__ == "__main__":
    main()

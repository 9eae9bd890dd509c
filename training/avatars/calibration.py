"""Render calibration frames of a character: the light on a turned head, the far side of the hair, the grain of a render.

    python -m training.avatars.calibration --tools ../shared/tools/bake_avatar --head3d ../shared/data/head3d mara theo erik

Runs in the environment of the bake tool (its requirements.txt: bpy). Frames that exist are kept, so an interrupted run is started
again. Pictures: 512 px RGBA, like the shapes of the bake, in ``.cache/bake-extra/NAME``, with poses.json beside them.
The mixed poses are random like those of the truth frames, from another seed: the truth frames stay a test.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

SIDE, SAMPLES = 512, 16  # px and samples a pixel, as the shapes of the bake
SEED, BATCH = 77, 6  # of the mixed poses: batch k has seed SEED + k; the truth frames have 20240
HEADS = {"yaw+": (12, 0, 0), "yaw-": (-12, 0, 0), "pitch+": (0, 9, 0), "pitch-": (0, -9, 0),
         "roll+": (0, 0, 9), "roll-": (0, 0, -9)}  # fmt: skip
FOLDER = Path(__file__).resolve().parents[2] / ".cache" / "bake-extra"


def poses(mixed: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Name -> coefficients and head (yaw, pitch, roll in degrees) of every frame: turned neutral heads, then mixed poses."""
    turned = {f"head_{name}": {"coefficients": {}, "head": list(map(float, ypr))} for name, ypr in HEADS.items()}
    names = ("yaw", "pitch", "roll")
    heads = [[pose["head"][n] for n in names] for pose in mixed]
    return turned | {
        f"mix_{k:02d}": {"coefficients": pose["coefficients"], "head": head}
        for k, (pose, head) in enumerate(zip(mixed, heads, strict=True))
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", help="characters")
    parser.add_argument("--tools", type=Path, required=True, help="folder of the bake tool")
    parser.add_argument("--head3d", type=Path, required=True)
    parser.add_argument("--mixed", type=int, default=BATCH, help="number of mixed poses")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    sys.path.insert(0, str(options.tools))
    model, look, truth, stages = (importlib.import_module(n) for n in ("headmodel", "look", "truth", "stage"))
    looks, character = importlib.import_module("characters").CHARACTERS, importlib.import_module("character")
    batches = range(-(-options.mixed // BATCH))
    wanted = poses([pose for k in batches for pose in truth.poses(SEED + k, BATCH)][: options.mixed])
    for name in options.names:
        folder = FOLDER / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "poses.json").write_text(json.dumps(wanted, indent=1))
        missing = [n for n in wanted if not (folder / f"{n}.webp").exists()]
        if not missing:
            continue
        head3d = options.head3d.resolve()
        head = model.HeadModel(head3d, model.load_coefficients(head3d, name), looks[name]["rest"])
        stage = stages.Stage(options.threads)
        actor = character.Character(looks[name], head, head3d)
        stage.catchlight([actor.parts[k].object for k in ("sclL", "sclR")])
        for frame in missing:
            actor.pose(wanted[frame]["coefficients"], tuple(wanted[frame]["head"]))
            picture, seconds = stage.render(SIDE, SAMPLES)
            look.save(folder / f"{frame}.webp", look.bleed(look.grade(picture)), lossless=True)
            print(f"{name} {frame} {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main()

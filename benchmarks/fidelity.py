"""How close avatars come to the path-traced truth: ``python -m benchmarks.fidelity [AVATAR.imx ...] [--shared ../shared]``.

Renders the 24 truth poses of each avatar's bake in this process and compares them with the shared fidelity tool: SSIM and PSNR
in the face box, by kind of pose. Without a name: every avatar of ``models/`` that has truth frames. ``--keep FOLDER`` keeps the
frames in ``FOLDER/NAME``. ``--device`` has them drawn by a graphics processor, which the CPU may imitate, beside the CPU's own.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bithuman_core.face import FaceState
from bithuman_core.imx import read_imx
from bithuman_core.render import PortraitRenderer, read_rig
from bithuman_core.render.gpu.device import find_gpu
from bithuman_core.render.gpu.renderer import GpuRenderer
from bithuman_core.render.gpu.together import PortraitsTogether
from bithuman_core.settings import models_dir

ROOT = Path(__file__).resolve().parents[1]
TURNED = 6.0  # degrees of any head angle from which a pose counts as turned
ASIDE = 0.25  # coefficient of any gaze shape from which a pose looks away


def render_truth(avatar: Path, frames: list[dict[str, Any]], device: bool = False) -> list[NDArray[np.uint8]]:
    """The avatar in every pose of the truth, drawn by the CPU or a device: RGB uint8 [512, 512, 3] each."""
    rig = read_rig(read_imx(avatar))
    renderer = GpuRenderer(PortraitsTogether(find_gpu(software=True), rig)) if device else PortraitRenderer(rig)
    out = []
    for frame in frames:
        head = {f"head{name.capitalize()}": value for name, value in frame["head"].items()}
        out.append(renderer.render(FaceState.from_mapping({**frame["coefficients"], **head}))[..., ::-1].copy())
    return out


def kinds(frame: dict[str, Any]) -> list[str]:
    """The groups of the table that a pose belongs to."""
    tags = frame["tags"]
    head = max(abs(v) for v in frame["head"].values())
    gaze = max((v for n, v in frame["coefficients"].items() if n.startswith("eyeLook")), default=0.0)
    return [
        "all",
        "speech" if tags["emotion"] == "neutral" else "emotion",
        f"blink {tags['blink']}",
        "gaze aside" if gaze >= ASIDE else "gaze ahead",
        f"head {TURNED:.0f} deg and more" if head >= TURNED else f"head under {TURNED:.0f} deg",
    ]


def table(avatar: Path, truth: Path, tool: Any, keep: Path | None, device: bool) -> None:
    """Print the scores of one avatar, drawn by the CPU or a device."""
    frames = json.loads((truth / "truth.json").read_text())["frames"]
    groups: dict[str, list[tuple[float, float]]] = defaultdict(list)
    scores = []
    for frame, made in zip(frames, render_truth(avatar, frames, device), strict=True):
        stem = Path(frame["file"]).stem
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            Image.fromarray(made).save(keep / f"{stem}.png")
        score = tool.compare(tool.load(truth / frame["file"]), made.astype(np.float64))
        scores.append((score[0], stem, frame["tags"]))
        for kind in kinds(frame):
            groups[kind].append(score)
    print(f"{avatar.name}{' drawn by a device' if device else ''} against {len(frames)} truth frames, face box")
    print(f"{'poses':20s}{'n':>4s}{'SSIM':>8s}{'min':>8s}{'PSNR':>8s}{'min':>8s}")
    for kind, values in sorted(groups.items(), key=lambda kv: (kv[0] != "all", kv[0])):
        s = np.array(values)
        print(f"{kind:20s}{len(s):4d}{s[:, 0].mean():8.3f}{s[:, 0].min():8.3f}{s[:, 1].mean():8.2f}{s[:, 1].min():8.2f}")
    worst = (f"{stem} {v:.3f} {t['viseme']}/{t['emotion']}/{t['blink']}" for v, stem, t in sorted(scores, key=lambda s: s[0])[:4])
    print("worst:", ", ".join(worst), flush=True)


def main() -> int:
    """Print the tables; 1 where the truth or the tool is not on this machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("avatars", nargs="*", type=Path)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="folder of data/bake and tools/fidelity")
    parser.add_argument("--keep", type=Path, help="folder for the rendered frames")
    parser.add_argument("--device", action="store_true", help="also as a graphics processor draws them")
    options = parser.parse_args()
    tool_file = options.shared / "tools" / "fidelity" / "fidelity.py"
    if not tool_file.is_file():
        print(f"{tool_file} is not here: give the folder that holds data/bake and tools/fidelity with --shared.")
        return 1
    spec = importlib.util.spec_from_file_location("fidelity_tool", tool_file)
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    for avatar in options.avatars or sorted(models_dir().glob("*.imx")):
        character = str(read_imx(avatar).manifest.provenance.get("character", avatar.stem))
        truth = options.shared / "data" / "bake" / character / "truth"
        if (truth / "truth.json").is_file():
            for device in (False, True)[: 1 + options.device]:
                keep = options.keep and options.keep / (avatar.stem + "_device" * device)
                table(avatar, truth, tool, keep, device)
        elif options.avatars:
            print(f"{truth} is not here: {avatar.name} has no truth frames to be compared with.")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

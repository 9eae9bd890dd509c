"""How close an avatar comes to the path-traced truth: ``python -m benchmarks.fidelity [AVATAR.imx] [--shared ../shared]``.

Renders the 24 truth poses of the avatar's bake in this process and prints the table of the shared fidelity tool
(SSIM and PSNR in the face box, by kind of pose). ``--keep FOLDER`` keeps the frames.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from bithuman_core.face import FaceState
from bithuman_core.imx import read_imx
from bithuman_core.render import PortraitRenderer, PortraitRig
from bithuman_core.settings import models_dir

ROOT = Path(__file__).resolve().parents[1]


def render_truth(avatar: Path, truth: Path, folder: Path) -> None:
    """Write ``folder/<stem>.png`` for every frame of ``truth/truth.json``."""
    renderer = PortraitRenderer(PortraitRig.from_imx(read_imx(avatar)))
    for frame in json.loads((truth / "truth.json").read_text())["frames"]:
        head = {f"head{name.capitalize()}": value for name, value in frame["head"].items()}
        picture = renderer.render(FaceState.from_mapping({**frame["coefficients"], **head}))
        Image.fromarray(picture[..., ::-1]).save(folder / f"{Path(frame['file']).stem}.png")


def main() -> int:
    """Print the table; 1 where the truth or the tool is not on this machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("avatar", nargs="?", type=Path, default=models_dir() / "mara.imx")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="folder of data/bake and tools/fidelity")
    parser.add_argument("--keep", type=Path, help="folder for the rendered frames")
    options = parser.parse_args()
    character = read_imx(options.avatar).manifest.provenance.get("character", options.avatar.stem)
    truth = options.shared / "data" / "bake" / str(character) / "truth"
    tool = options.shared / "tools" / "fidelity" / "fidelity.py"
    for needed in (truth / "truth.json", tool):
        if not needed.is_file():
            print(f"{needed} is not here: give the folder that holds data/bake and tools/fidelity with --shared.")
            return 1
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        render_truth(options.avatar, truth, folder)
        print(f"{options.avatar.name} against {len(list(truth.glob('*.webp')))} truth frames, face box", flush=True)
        return subprocess.run([sys.executable, str(tool), str(folder), str(truth)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

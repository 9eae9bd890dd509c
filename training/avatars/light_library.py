"""Make ``bithuman_core/build/skin/light.npz``: what every coefficient does to the light on the skin, on average.

    python -m training.avatars.light_library models/mara.imx models/theo.imx models/erik.imx

The shipped characters know from path-traced pictures what each shape adds to their skin (``residual``). Divided by the skin's
own brightness that is a change of light: creases of a smile, shadow under a lowered brow. All characters share one texture
layout, which is symmetric; the median over them and their mirror images forgets the studio's lamp and the single face.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from scipy import ndimage

from bithuman_core.build.arrays import Array
from bithuman_core.files import replacing
from bithuman_core.imx import ImxFile, read_imx

OUTPUT = Path(__file__).resolve().parents[2] / "bithuman_core" / "build" / "skin" / "light.npz"
SIDE = 112  # px: a quarter of the skin's place in the texture
DARKEST = 0.12  # skin darker than this (brows, nostrils) is taken as this bright: ratios stay finite
LARGEST = 0.5  # relative change of light
SMALLEST = 0.012  # boxes end where nothing is larger
SMOOTH = 0.8  # texels
LIDS = ("eyeBlink", "eyeLook", "eyeWide")


def mirrored(name: str) -> str:
    """The coefficient's name on the other side of the face."""
    for a, b in (("Left", "Right"), ("Right", "Left")):
        if name.endswith(a):
            return name.removesuffix(a) + b
    return name


def changes(avatar: ImxFile) -> dict[str, Array]:
    """Relative change of the skin's brightness [SIDE, SIDE] by coefficient."""
    texture = avatar.image("texture")[..., :3].astype(np.float32) / 255
    wide = texture.shape[1]
    skin = texture[:wide].reshape(SIDE, wide // SIDE, SIDE, wide // SIDE, 3).mean((1, 3))
    base = np.maximum(skin.mean(2), DARKEST)
    out = {}
    start, box = avatar.array("residual_start"), avatar.array("residual_box").astype(int)
    for s, name in enumerate(avatar.manifest.coefficients):
        if name.startswith(LIDS):
            continue  # what a lid shows is not in the neutral picture: there is no ratio
        x0, y0, x1, y1 = box[s]
        values = avatar.array("residual")[start[s] : start[s + 1]].reshape(y1 - y0, x1 - x0, 3)
        added = np.zeros((SIDE, SIDE), np.float32)
        added[y0:y1, x0:x1] = values.mean(2) * avatar.array("residual_scale")[s] / 255
        out[name] = np.clip(added / base, -LARGEST, LARGEST)
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("avatars", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    found = [changes(read_imx(path)) for path in options.avatars]
    names, start, boxes, scales, parts = sorted(set.intersection(*(set(f) for f in found))), [0], [], [], []
    for name in names:
        both = [f[name] for f in found] + [f[mirrored(name)][:, ::-1] for f in found]
        change = ndimage.gaussian_filter(np.median(both, 0), SMOOTH)
        rows, columns = np.nonzero(np.abs(change) > SMALLEST)
        y0, y1, x0, x1 = (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) if len(rows) else (0, 0, 0, 0)
        part = change[y0:y1, x0:x1]
        scale = max(float(np.abs(part).max()) if part.size else 0.0, 1e-6) / 127
        boxes.append((x0, y0, x1, y1))
        scales.append(scale)
        parts.append(np.round(part / scale).astype(np.int8).ravel())
        start.append(start[-1] + len(parts[-1]))
        print(f"{name:22s}{x1 - x0:4d} x{y1 - y0:4d}  largest {scale * 127:.2f}")
    with replacing(options.output) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, names=np.array(names), start=np.array(start, np.uint32), box=np.array(boxes, np.uint16),
                            scale=np.array(scales, np.float32), values=np.concatenate(parts))
    print(f"{options.output.name}: {options.output.stat().st_size / 1e3:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Photos that a builder of avatars meets, of nobody: rendered faces (``tests/data/faces``), with glasses, in low light, small.

    python -m benchmarks.faces OUT     # writes them as PNG
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "data" / "faces"
RENDERED = ("freckles", "smile", "turned", "beard", "blond")
EYES = ((33, 133, 127), (263, 362, 356))  # MediaPipe numbers of an eye's outer and inner corner and of its temple
FINE = 4  # px glasses are drawn with for one of the picture
TINT, SHINE = (0.93, 0.97, 0.94), 0.3  # what a lens lets through; share of white in its reflex
DARK = 0.12  # brightness of the face in low light, of 1
SHOT, READ = 0.02, 0.004  # noise: of a px of brightness 1 (linear), which falls with its root; of a black one
SMALL = 256  # px
Array = NDArray[np.float64]


def rendered(name: str) -> tuple[Image.Image, dict[int, Array]]:
    """A rendered face, and where landmarks are in it: MediaPipe number to x, y (px)."""
    marks = json.loads((FOLDER / "landmarks.json").read_text(encoding="utf-8"))[name]
    return Image.open(FOLDER / f"{name}.webp").convert("RGB"), {int(n): np.array(place) for n, place in marks.items()}


def with_glasses(name: str, thick: float, colour: tuple[int, int, int], tall: float = 0.85) -> Image.Image:
    """A rendered face with glasses. thick: of the frame, tall: half the height of a lens, both in widths of an eye."""
    picture, marks = rendered(name)
    size = picture.width * FINE, picture.height * FINE
    drawn, lens, shine = (Image.new("L", size) for _ in range(3))
    pen, glass, light = ImageDraw.Draw(drawn), ImageDraw.Draw(lens), ImageDraw.Draw(shine)
    eye = float(np.mean([np.linalg.norm(marks[a] - marks[b]) for a, b, _ in EYES])) * FINE
    width, bridge = max(round(thick * eye), 1), []
    for outer, inner, temple in EYES:
        across = (marks[outer] - marks[inner]) * FINE
        middle = (marks[outer] + marks[inner]) / 2 * FINE + across * 0.1 + np.array([0, 0.15 * eye])
        half = np.array([abs(float(across[0])), tall * eye])
        box = [*(middle - half), *(middle + half)]
        pen.rounded_rectangle(box, radius=float(half.min()) * 0.75, outline=255, width=width)
        glass.rounded_rectangle(box, radius=float(half.min()) * 0.75, fill=255)
        left = middle - half * (0.55, 0.75)
        light.line([left[0] + 0.3 * eye, left[1], left[0], left[1] + 0.5 * eye], fill=255, width=round(0.08 * eye))
        hinge = middle + np.array([np.sign(across[0]) * half[0], -0.35 * half[1]])
        pen.line([*hinge, *(marks[temple] * FINE - (0, 0.4 * eye))], fill=255, width=max(round(0.7 * width), 1))
        bridge.append(middle - np.array([np.sign(across[0]) * half[0], 0.25 * half[1]]))
    pen.line([*bridge[0], *bridge[1]], fill=255, width=width)
    frame, through, white = (np.asarray(m.resize(picture.size, Image.Resampling.BOX), np.float64)[..., None] / 255
                             for m in (drawn, lens, shine))  # fmt: skip
    seen = np.asarray(picture, np.float64) / 255
    seen = seen * (1 - through * (1 - np.array(TINT)))
    seen += (1 - seen) * SHINE * white * through
    return _image(seen * (1 - frame) + np.array(colour) / 255 * frame)


def in_low_light(name: str) -> Image.Image:
    """A rendered face in low light with the noise of a sensor."""
    picture, marks = rendered(name)
    linear = (np.asarray(picture, np.float64) / 255) ** 2.2
    x, y = marks[6].astype(int)
    usual = float(np.median(linear[y : y + 40, x - 40 : x + 40]))
    linear *= DARK**2.2 / usual
    rng = np.random.default_rng(1)
    linear += rng.normal(size=linear.shape) * (SHOT * np.sqrt(linear) + READ) * DARK
    return _image(np.clip(linear, 0, 1) ** (1 / 2.2))


def small(name: str) -> Image.Image:
    """A rendered face, `SMALL` px a side."""
    return rendered(name)[0].resize((SMALL, SMALL), Image.Resampling.LANCZOS)


def _image(picture: Array) -> Image.Image:
    return Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))


FACES: dict[str, Callable[[], Image.Image]] = {
    **{name: lambda name=name: rendered(name)[0] for name in RENDERED},
    "thin_glasses": lambda: with_glasses("freckles", 0.05, (120, 110, 100)),
    "thick_glasses": lambda: with_glasses("turned", 0.16, (25, 22, 24)),
    "dark_glasses": lambda: with_glasses("smile", 0.12, (20, 14, 12), tall=0.7),
    "low_light": lambda: in_low_light("beard"),
    "small": lambda: small("freckles"),
}
"""Every face by name."""


def write(folder: Path) -> list[Path]:
    """Write all faces as PNG; their files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in FACES.items():
        make().save(folder / f"{name}.png")
    return [folder / f"{name}.png" for name in FACES]


def main() -> int:
    """Write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    for file in write(parser.parse_args().out):
        print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())

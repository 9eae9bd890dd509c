"""Avatars made of one photo, measured: ``python -m benchmarks.portrait [PHOTO ...] [--shared ../shared]``.

Three tables: how close avatars made of our characters' neutral pictures alone, as if they were photos (with exact landmarks),
come to the path-traced truth, beside the shipped avatars, which were measured from the 3D scene; what the rigs can do, from
their geometry; what MediaPipe's expression net reads in rendered frames as single coefficients grow.

Photos default to two in the public domain (``tests/data``) and the faces of ``benchmarks/faces.py``: other skins, beard, smile,
turned heads, glasses, low light, small. ``--sheets FOLDER`` writes a contact sheet of each, to be looked at. What viewers notice
of them is measured by `benchmarks.photo_faults`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from benchmarks import faces
from benchmarks.fidelity import render_truth
from bithuman_core.build.assemble import assemble
from bithuman_core.build.photo.portrait import Portrait
from bithuman_core.build.shape.raster import facing, raster
from bithuman_core.face import ARKIT_NAMES, FaceState
from bithuman_core.files import replacing
from bithuman_core.imx import read_imx, write_imx
from bithuman_core.render import PortraitRenderer, PortraitRig, read_rig
from bithuman_core.render.posing import WEIGHTS, blend_shapes, head_transforms, project
from bithuman_core.settings import models_dir

ROOT = Path(__file__).resolve().parents[1]
CHARACTERS = ("mara", "theo", "erik")
PHOTOS = tuple(ROOT / "tests" / "data" / f"{name}.jpg" for name in ("astronaut", "grace_hopper"))
TURNED = 6.0  # degrees: poses with less are compared apart
CLOSED = ({}, {"jawOpen": 0.25, "mouthClose": 0.25}, {"mouthPressLeft": 0.5, "mouthPressRight": 0.5},
          {"mouthRollLower": 0.4, "mouthRollUpper": 0.3})  # fmt: skip
SWEEPS = {"jawOpen": ("jawOpen",), "mouthSmileLeft": ("mouthSmileLeft", "mouthSmileRight"), "mouthPucker": ("mouthPucker",),
          "eyeBlinkLeft": ("eyeBlinkLeft", "eyeBlinkRight")}  # fmt: skip
BOTH = lambda name, value: {f"{name}Left": value, f"{name}Right": value}  # noqa: E731
POSES = {"neutral": {}, "ah": {"jawOpen": 0.4, **BOTH("mouthLowerDown", 0.25)},
         "ee": {"jawOpen": 0.12, **BOTH("mouthStretch", 0.4), **BOTH("mouthUpperUp", 0.25), **BOTH("mouthLowerDown", 0.35)},
         "oo": {"jawOpen": 0.1, "mouthPucker": 0.65, "mouthFunnel": 0.3}, "m": {"jawOpen": 0.2, "mouthClose": 0.2},
         "smile": {**BOTH("mouthSmile", 0.7), **BOTH("cheekSquint", 0.5)}, "blink": BOTH("eyeBlink", 1.0),
         "half": BOTH("eyeBlink", 0.5), "surprise": {"browInnerUp": 0.7, **BOTH("eyeWide", 0.5), "jawOpen": 0.2},
         "frown": {**BOTH("browDown", 0.8), **BOTH("mouthFrown", 0.6)}, "left": {"headYaw": -11.0}, "right": {"headYaw": 11.0},
         "up": {"headPitch": 8.0}}  # fmt: skip
HEAD, CELL = (66, 46, 446, 446), 190  # frame px; px
STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)
SLACK = 0.05  # by which a reading may fall and still count as growing: it falls by 0.04 as path-traced eyes close behind a frame
MEGAPIXELS, RUNS = 12, 3
SKIN, EYE, MOUTH = 0, 1, 2  # parts of the rig's triangles


def as_photo(bake: Path) -> Portrait:
    """A character's neutral picture as if it were an analysed photo."""
    rgba = np.asarray(Image.open(bake / "neutral.png"), np.float32) / 255
    plate = np.asarray(Image.open(bake / "plate.png").convert("RGB").reduce(2), np.float32) / 255
    landmarks = np.load(bake / "landmarks.npz")["mediapipe478"][0]
    colours, alpha = np.asarray(rgba[..., :3], np.float32), np.asarray(rgba[..., 3], np.float32)
    return Portrait(colours, landmarks, {}, alpha, np.asarray(plate, np.float32), [], {"character": bake.name})


def save(portrait: Portrait, name: str, folder: Path) -> Path:
    """Build the avatar of a portrait; its file."""
    manifest, arrays = assemble(portrait, name)
    write_imx(folder / f"{name}.imx", manifest, arrays)
    return folder / f"{name}.imx"


def fidelity(avatar: Path, bake: Path, tool: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean SSIM and PSNR (dB) in the face box: over poses with the head under 6 degrees, over all."""
    frames = json.loads((bake / "truth" / "truth.json").read_text())["frames"]
    made = render_truth(avatar, frames)
    scores = np.array([tool.compare(tool.load(bake / "truth" / f["file"]), m.astype(np.float64))
                       for f, m in zip(frames, made, strict=True)])  # fmt: skip
    straight = np.array([max(abs(v) for v in f["head"].values()) < TURNED for f in frames])
    return scores[straight].mean(0), scores.mean(0)


def posed(rig: PortraitRig, face: FaceState) -> NDArray[np.float32]:
    """Vertices on the canvas of a rig's frame: x, y (frame px) and depth [V, 3]."""
    points, screen = np.empty_like(rig.vertices), np.empty_like(rig.vertices)
    blend_shapes(rig.vertices, rig.shapes.start, rig.shapes.index, rig.shapes.delta, rig.coefficients(face), points)
    transforms = np.empty((WEIGHTS, 12), np.float32)
    head_transforms(rig.head(face), rig.lift(face), transforms)
    project(points, rig.weight, transforms, rig.pivot, rig.distance, *rig.centre, 0.5, 0.5, screen)
    return screen


def lip_gap(rig: PortraitRig, values: dict[str, float]) -> float:
    """Distance of the inner lips in units of the distance between the eyes' centres; below 0 where they are pressed together."""
    screen = posed(rig, FaceState.from_mapping(values))
    at = (screen[rig.landmark_index] * rig.landmark_weight[..., None]).sum(1)[:, :2]
    p = {number: at[row] for number, row in rig.landmark.items()}
    return float((p[14] - p[13])[1] / np.linalg.norm((p[33] + p[133] - p[362] - p[263]) / 2))


def bare_eyes(rig: PortraitRig, values: dict[str, float]) -> int:
    """Pixels of a frame that show an eyeball."""
    _, triangle, _ = raster(posed(rig, FaceState.from_mapping(values)), rig.triangles, rig.size[1], rig.size[0])
    return int((rig.part[triangle[triangle >= 0]] == EYE).sum())


def holes(rig: PortraitRig, values: dict[str, float]) -> int:
    """Pixels inside the face that no surface covers although the neutral covers them and all about them."""

    def covered(face: FaceState) -> NDArray[np.bool_]:
        return raster(posed(rig, face), rig.triangles, rig.size[1], rig.size[0])[1] >= 0

    solid = ndimage.binary_erosion(covered(FaceState.from_mapping({})), iterations=25)
    return int((solid & ~covered(FaceState.from_mapping(values))).sum())


def inverted(rig: PortraitRig, values: dict[str, float]) -> int:
    """Pixels of a frame whose frontmost surface is skin that has turned over: torn."""
    screen, neutral = (posed(rig, FaceState.from_mapping(pose)) for pose in (values, {}))
    over = facing(neutral, rig.triangles) & ~facing(screen, rig.triangles) & (rig.part == SKIN)
    _, triangle, _ = raster(screen, rig.triangles, rig.size[1], rig.size[0], culled=False)
    return int(over[triangle[triangle >= 0]].sum())


def alone(name: str) -> dict[str, float]:
    """One coefficient at 1; closed lips need an open jaw."""
    return {name: 1.0, "jawOpen": 1.0} if name == "mouthClose" else {name: 1.0}


def checks(avatar: Path) -> dict[str, float]:
    """What the geometry of an avatar can do (lengths in distances between the eyes' centres)."""
    rig = read_rig(read_imx(avatar))
    measure = lambda values: rig.measure(FaceState.from_mapping(values))  # noqa: E731
    blink = {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}
    renderer = PortraitRenderer(rig)
    still = renderer.render(FaceState.from_mapping({})).copy()
    backdrop = read_imx(avatar).image("backdrop")[..., 3]
    person = np.asarray(Image.fromarray(backdrop).resize(rig.size, Image.Resampling.BILINEAR)) > 0
    moved = 0
    for name in ARKIT_NAMES:
        changed = (renderer.render(FaceState.from_mapping({name: 1.0})) != still).any(2)
        moved = max(moved, int((changed & ~person).sum()))
    return {
        "closed": max(lip_gap(rig, values) for values in CLOSED),
        "jaw": measure({"jawOpen": 1.0}).gap,
        "pucker": measure({"mouthPucker": 1.0}).width / measure({}).width,
        "smile": measure({"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}).width / measure({}).width,
        "lids": bare_eyes(rig, blink) / max(bare_eyes(rig, {}), 1),
        "holes": max(holes(rig, {name: 1.0}) for name in ARKIT_NAMES),
        "inverted": max(inverted(rig, alone(name)) for name in ARKIT_NAMES),
        "background": moved,
    }


def read_back(avatar: Path) -> dict[str, list[dict[str, float]]]:
    """What MediaPipe's expression net reads of all of SWEEPS as single coefficients grow, by the name of that."""
    from bithuman_core.build.photo.faces import find_faces
    from bithuman_core.build.photo.models import load_face_nets

    nets, renderer = load_face_nets(), PortraitRenderer(read_rig(read_imx(avatar)))
    out: dict[str, list[dict[str, float]]] = {}
    for name, driven in SWEEPS.items():
        out[name] = []
        for step in STEPS:
            frame = renderer.render(FaceState.from_mapping(dict.fromkeys(driven, step)))
            found, _ = find_faces(nets, Image.fromarray(np.ascontiguousarray(frame[..., ::-1])))
            out[name].append({n: found[0].blendshapes[n] if found else float("nan") for n in SWEEPS})
    return out


def verdict(name: str, read: list[dict[str, float]]) -> str:
    """Whether the readings of a sweep grow with it, and more than those of the other coefficients."""
    if not all(b[name] >= a[name] - SLACK for a, b in pairwise(read)):
        return "DOES NOT GROW"
    rise = {n: read[-1][n] - read[0][n] for n in read[0]}
    return "grows" if max(rise, key=lambda n: rise[n]) == name else "grows, BUT ANOTHER GROWS MORE"


def sheet(portraits: dict[str, Portrait], avatars: dict[str, Path], out: Path) -> None:
    """Write a contact sheet: each photo, then its avatar in the poses of POSES."""
    left, top, right, bottom = HEAD
    cells = []
    for name, portrait in portraits.items():
        renderer = PortraitRenderer(read_rig(read_imx(avatars[name])))
        alpha = portrait.alpha[::2, ::2, None]
        photo = np.clip(portrait.picture[::2, ::2] * alpha + portrait.plate * (1 - alpha), 0, 1)
        row = [("photo", np.asarray(photo * 255, np.uint8))]
        row += [(label, renderer.render(FaceState.from_mapping(pose))[..., ::-1].copy()) for label, pose in POSES.items()]
        cells += row
    columns = len(POSES) // 2 + 1
    wide, tall = CELL, CELL * (bottom - top) // (right - left)
    page = Image.new("RGB", (columns * wide, -(-len(cells) // columns) * tall))
    for k, (label, picture) in enumerate(cells):
        cell = Image.fromarray(picture).crop((left, top, right, bottom)).resize((wide, tall), Image.Resampling.LANCZOS)
        ImageDraw.Draw(cell).text((5, 4), label, (255, 255, 255), stroke_width=1, stroke_fill=(0, 0, 0))
        page.paste(cell, (k % columns * wide, k // columns * tall))
    with replacing(out) as temporary:
        page.save(temporary, quality=82, method=6)


def _tool(shared: Path) -> Any:
    file = shared / "tools" / "fidelity" / "fidelity.py"
    spec = importlib.util.spec_from_file_location("fidelity_tool", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def print_fidelity(shared: Path, folder: Path) -> list[Path]:
    """The first table; the avatars built."""
    tool, built = _tool(shared), []
    print(f"{'against the truth, face box':30s}{'SSIM':>8s}{'PSNR':>8s}{'SSIM':>9s}{'PSNR':>8s}")
    print(f"{'':30s}{'head under 6 deg':>16s}{'all poses':>17s}")
    for name in CHARACTERS:
        bake = shared / "data" / "bake" / name
        built.append(save(as_photo(bake), name, folder))
        for label, avatar in (("one photo", built[-1]), ("3D scene", models_dir() / f"{name}.imx")):
            straight, every = fidelity(avatar, bake, tool)
            print(f"{f'{name}, {label}':30s}{straight[0]:8.3f}{straight[1]:8.2f}{every[0]:9.3f}{every[1]:8.2f}", flush=True)
    return built


def print_checks(avatars: Iterable[Path]) -> None:
    """The second and the third table."""
    avatars = list(avatars)
    print("\ngeometry: largest gap of closed lips, gap at jawOpen 1 (interocular); width of pucker and smile (of the neutral);")
    print("eye left bare by a blink (of the open eye); holes in the face, skin turned over, changed background (px, worst of 52 "
          "coefficients)")
    for avatar in avatars:
        print(f"{avatar.stem:18s}" + "".join(f"{k:>10s} {v:<6.3g}" for k, v in checks(avatar).items()), flush=True)
    print("\nread back by MediaPipe's net at " + ", ".join(map(str, STEPS)))
    said = []
    for avatar in avatars:
        for name, read in read_back(avatar).items():
            said.append(verdict(name, read))
            print(f"{avatar.stem:18s}{name:16s}" + "".join(f"{r[name]:7.2f}" for r in read) + f"  {said[-1]}", flush=True)
    print(f"{said.count('grows')} of {len(said)} sweeps grow, and more than what is not moved")


def cost(command: list[str]) -> tuple[float, float, float]:
    """Seconds a command takes from start to end, seconds of CPU, and MiB it holds at most."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return seconds, used.ru_utime, used.ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)


def print_cost(photos: Iterable[Path], folder: Path) -> None:
    """Time and peak memory of `bithuman-core build`, start to end, for photos enlarged to MEGAPIXELS as a camera's JPEG."""
    print(f"bithuman-core build, {MEGAPIXELS} megapixels, median of {RUNS}; wanted: 5 s on two quiet cores, 700 MB")
    for photo in photos:
        picture = Image.open(photo).convert("RGB")
        scale = np.sqrt(MEGAPIXELS * 1e6 / (picture.width * picture.height))
        large, size = folder / "camera.jpg", (round(picture.width * scale), round(picture.height * scale))
        picture.resize(size, Image.Resampling.BICUBIC).save(large, quality=92)
        command = [sys.executable, "-m", "bithuman_core", "build", str(large), "-o", str(folder / "camera.imx"), "--consent", "-"]
        runs = np.array([cost(command) for _ in range(RUNS)])
        seconds, cpu, _ = np.median(runs, axis=0)
        print(f"{photo.stem:18s}{seconds:5.1f} s ({min(runs[:, 0]):.1f} to {max(runs[:, 0]):.1f}; {cpu:.1f} s CPU), "
              f"{max(runs[:, 2]):.0f} MiB at most", flush=True)  # fmt: skip


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="*", type=Path)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="folder of data/bake and tools/fidelity")
    parser.add_argument("--keep", type=Path, help="folder for the avatars")
    parser.add_argument("--sheet", type=Path, help="contact sheet of the photos' avatars (not of the rendered faces)")
    parser.add_argument("--sheets", type=Path, help="folder for a contact sheet of each avatar")
    options = parser.parse_args()
    from bithuman_core.build.analysis import analyse

    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        photos = options.photos or [*PHOTOS, *faces.write(folder)]
        print_cost(options.photos or PHOTOS, folder)  # first: a child counts the memory of the process it was forked from
        built = []
        if (options.shared / "data" / "bake").is_dir():
            built = print_fidelity(options.shared, folder)
        else:
            print(f"{options.shared} holds no data/bake: the comparison with the truth is left out")
        portraits: dict[str, Portrait] = {}
        for photo in photos:
            start, busy = time.perf_counter(), time.process_time()
            portrait = analyse(photo)
            portraits[photo.stem] = portrait
            built.append(save(portrait, photo.stem, folder))
            seconds, cpu = time.perf_counter() - start, time.process_time() - busy
            size = built[-1].stat().st_size / 1e6
            print(f"{photo.name}: built in {seconds:.1f} s ({cpu:.1f} s CPU), {size:.2f} MB", flush=True)
        files = {path.stem: path for path in built}
        if options.sheet is not None:
            sheet({name: p for name, p in portraits.items() if name not in faces.FACES}, files, options.sheet)
        if options.sheets is not None:
            for name, portrait in portraits.items():
                sheet({name: portrait}, files, options.sheets / f"{name}.webp")
        print_checks(built)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Portraits drawn by a graphics processor: ``python -m benchmarks.gpu [--software] [--sessions 1,8,64,256] [--seconds 3]``.

For frames of 512 and of 1024 px: pictures a second with so many sessions drawn together, the processor time (ms of the CPU) that
a picture of a session takes, and the CPU's own drawing beside it. Then how far the pictures are from the CPU's in 200 poses.
Without a real graphics processor it says so and stops; ``--software`` measures the one that the CPU imitates, which says nothing
of a real one's speed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bithuman_core.errors import BithumanError
from bithuman_core.face import ARKIT_NAMES, FaceState
from bithuman_core.imx import read_imx
from bithuman_core.render import FootageRenderer, FootageRig, PortraitRenderer, Rig, any_rig, load_rig
from bithuman_core.render.gpu.device import Gpu, describe, find_gpu
from bithuman_core.render.gpu.portrait import MOST, GpuPortrait
from bithuman_core.render.gpu.renderer import GpuFilmDrawing
from bithuman_core.render.gpu.together import FilmsTogether
from bithuman_core.settings import models_dir

AVATARS, POSES, FAR = ("mara", "theo", "erik", "mara_film"), 200, 6
CPU_FRAMES = 50
Draws = Callable[[FaceState], NDArray[np.uint8]]


def faces(count: int, seed: int) -> list[FaceState]:
    """Faces at random: a dozen coefficients, a head within its limits."""
    rng, out = np.random.default_rng(seed), list[FaceState]()
    for _ in range(count):
        face = FaceState()
        face.coefficients[rng.choice(len(ARKIT_NAMES), 12, replace=False)] = rng.uniform(0, 1, 12)
        face.head[:3] = rng.uniform(-1, 1, 3) * (15, 10, 10)
        out.append(face)
    return out


def speed(gpu: Gpu, side: int, sessions: int, seconds: float) -> tuple[float, float]:
    """(pictures a second, ms of the CPU a picture) of so many sessions, in submissions of `MOST` at most."""
    portrait = GpuPortrait(gpu, load_rig(models_dir() / "mara.imx", side), min(sessions, MOST))
    asked = faces(sessions, 1)
    parts = [asked[k : k + MOST] for k in range(0, sessions, MOST)]
    portrait.draw(parts[0])  # what is compiled at first
    drawn, began, worked = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - began < seconds:
        for part in parts:
            drawn += len(portrait.draw(part))
    return drawn / (time.perf_counter() - began), 1000 * (time.process_time() - worked) / drawn


def cpu_cost(side: int) -> float:
    """ms of a picture that the CPU draws."""
    renderer = PortraitRenderer(load_rig(models_dir() / "mara.imx", side))
    renderer.render(FaceState())
    worked = time.process_time()
    for face in faces(CPU_FRAMES, 2):
        renderer.render(face)
    return 1000 * (time.process_time() - worked) / CPU_FRAMES


def difference(gpu: Gpu, avatar: str, poses: int) -> tuple[float, float]:
    """(mean difference in levels of 255, share of the pixels that are farther off than FAR) from the CPU's pictures, at most."""
    rig, off = any_rig(read_imx(models_dir() / f"{avatar}.imx")), list[tuple[float, float]]()
    for face, ours, cpu in pairs(gpu, rig, poses):
        apart = np.abs(ours(face).astype(np.int16) - cpu(face))
        off.append((float(apart.mean()), float((apart.max(axis=2) > FAR).mean())))
    return max(mean for mean, _ in off), max(share for _, share in off)


def pairs(gpu: Gpu, rig: Rig, poses: int) -> Iterator[tuple[FaceState, Draws, Draws]]:
    """Faces, and who draws each: the device and the CPU. Of a film every face is drawn into another frame."""
    if isinstance(rig, FootageRig):
        device, cpu = FootageRenderer(rig, GpuFilmDrawing(FilmsTogether(gpu, rig))), FootageRenderer(rig)
        for k, face in enumerate(faces(poses, 3)):
            frame = k * rig.frames // poses
            yield face, partial(device.render, frame=frame), partial(cpu.render, frame=frame)
        return
    portrait, renderer = GpuPortrait(gpu, rig, 1), PortraitRenderer(rig)
    for face in faces(poses, 3):
        yield face, lambda face: portrait.draw([face])[0], renderer.render


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--software", action="store_true", help="measure an imitated one where there is no other")
    parser.add_argument("--sessions", default="1,8,64,256")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--poses", type=int, default=POSES)
    options = parser.parse_args()
    try:
        gpu = find_gpu(options.software)
    except BithumanError as error:
        print(f"{error.message} Not measured. Found: {'; '.join(describe()) or 'nothing'}.")
        return 0
    print(f"{gpu.name}{' (imitated by the CPU: its speed says nothing of a real one)' if gpu.software else ''}")
    print("side  sessions  pictures/s  CPU ms a picture   drawn by the CPU, ms")
    for side in (512, 1024):
        alone = cpu_cost(side)
        for sessions in map(int, options.sessions.split(",")):
            rate, cost = speed(gpu, side, sessions, options.seconds)
            print(f"{side:4d}  {sessions:8d}  {rate:10.0f}  {cost:16.2f}   {alone:.1f}", flush=True)
    print(f"\nfarthest from the CPU's pictures in {options.poses} poses: mean of 255, pixels more than {FAR} off")
    for avatar in AVATARS:
        mean, share = difference(gpu, avatar, options.poses)
        print(f"{avatar:9s}  {mean:.3f}  {100 * share:.4f} %", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

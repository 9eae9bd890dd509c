"""Avatars drawn by a graphics processor: ``python -m benchmarks.gpu [--software] [--sessions 1,8,64,256] [--seconds 3]``.

For a portrait's frames of 512 and of 1024 px and a film's: pictures a second with so many sessions drawn together, the processor
time (ms of the CPU) that a picture of a session takes, and that of a picture which the CPU draws. A film's heads are turned, some
go over from one frame to another; its pictures a second are those of the device, while its processor time counts decoding and
posing as well. Then what goes up for a frame, and how far the pictures are from the CPU's in 200 poses.
Without a real graphics processor it says so and stops; ``--software`` measures the one that the CPU imitates, which says nothing
of a real one's speed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sized
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.errors import BithumanError
from bithuman_core.face import ARKIT_NAMES, FaceState
from bithuman_core.imx import read_imx
from bithuman_core.render import FootageRenderer, FootageRig, PortraitRenderer, Rig, any_rig
from bithuman_core.render.footage.film import FilmPlayer
from bithuman_core.render.footage.layers import FaceLayers
from bithuman_core.render.gpu import numbers
from bithuman_core.render.gpu.device import Gpu, describe, find_gpu
from bithuman_core.render.gpu.faces import GpuFaces
from bithuman_core.render.gpu.portrait import MOST, GpuPortrait
from bithuman_core.render.gpu.renderer import GpuFilmDrawing
from bithuman_core.render.gpu.together import FilmsTogether
from bithuman_core.render.rig import PortraitRig
from bithuman_core.settings import models_dir
from tests.render.noted import Noted

AVATARS, POSES, FAR = ("mara", "theo", "erik", "mara_film"), 200, 6
CPU_FRAMES, RENDERERS, APART = 50, 8, 25  # RENDERERS: different pictures of a film; APART: frames between them
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


def speed(draw: Callable[[list[Any]], Sized], asked: list[Any], seconds: float) -> tuple[float, float]:
    """(pictures a second, ms of the CPU a picture) where so many are asked for, in submissions of `MOST` at most."""
    parts = [asked[k : k + MOST] for k in range(0, len(asked), MOST)]
    draw(parts[0])  # what is compiled at first
    drawn, began, worked = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - began < seconds:
        for part in parts:
            drawn += len(draw(part))
    return drawn / (time.perf_counter() - began), 1000 * (time.process_time() - worked) / drawn


def portrait_speed(gpu: Gpu, rig: PortraitRig, sessions: int, seconds: float) -> tuple[float, float]:
    """:func:`speed` of a portrait."""
    return speed(GpuPortrait(gpu, rig, min(sessions, MOST)).draw, faces(sessions, 1), seconds)


def film_speed(gpu: Gpu, rig: FootageRig, sessions: int, seconds: float) -> tuple[float, float]:
    """The same of a film."""
    notes = [Noted() for _ in range(RENDERERS)]
    before = film_cost([FootageRenderer(rig, noted) for noted in notes])
    asked = [noted.asked[-1] for noted in notes]
    rate, cost = speed(GpuFaces(gpu, rig).draw, [asked[k % RENDERERS] for k in range(sessions)], seconds)
    return rate, before + cost


class Counting(Gpu):
    """Counts the bytes of what goes up for one frame."""

    sent = 0

    def buffer(self, values: NDArray[Any], uniform: bool = False) -> Any:
        """See :class:`Gpu`."""
        type(self).sent += values.nbytes
        return super().buffer(values, uniform)


def sent_up(gpu: Gpu, rig: FootageRig) -> tuple[int, int]:
    """(Bytes of a film's frame as it is coded, of all else that goes up with it): a turned head with an open mouth."""
    noted, counting = Noted(), Counting(gpu.device, gpu.name, gpu.software)
    faces_of = GpuFaces(counting, rig)
    FootageRenderer(rig, noted).render(FaceState.from_mapping({"jawOpen": 0.6}), head=np.array([6, -4, 2], np.float32))
    Counting.sent = 0
    faces_of.draw(noted.asked)
    coded = rig.size[0] * rig.size[1] * 3 // 2
    return coded, Counting.sent - coded


def portrait_cost(rig: PortraitRig) -> float:
    """ms of a picture that the CPU draws."""
    renderer = PortraitRenderer(rig)
    renderer.render(FaceState())
    worked = time.process_time()
    for face in faces(CPU_FRAMES, 2):
        renderer.render(face)
    return 1000 * (time.process_time() - worked) / CPU_FRAMES


def film_cost(renderers: list[FootageRenderer]) -> float:
    """The same of a film, one frame after the other by each in turn; heads are turned, every eighth one goes over to another."""
    count, turn = len(renderers), np.array([6, -4, 2], np.float32)
    for n, renderer in enumerate(renderers):
        renderer.render(FaceState(), APART * n)
    worked = time.process_time()
    for k, face in enumerate(faces(CPU_FRAMES, 2)):
        frame = APART * (k % count) + k // count
        renderers[k % count].render(face, frame, leaving=frame + 1 if k % 8 == 0 else -1, share=0.5, head=turn)
    return 1000 * (time.process_time() - worked) / CPU_FRAMES


def film_ready(rig: FootageRig) -> tuple[float, float]:
    """ms of the CPU that a frame of a film takes (to decode it, to make all else ready for the device): medians."""
    noted, spent = Noted(), list[tuple[float, float]]()
    renderer, layers = FootageRenderer(rig, noted), FaceLayers(rig.size, len(rig.light), len(rig.jaw[0]))
    decoder, turn = FilmPlayer(rig.film), np.array([6, -4, 2], np.float32)
    for k, face in enumerate(faces(CPU_FRAMES, 2)):
        times = [time.thread_time()]
        decoder.planes(k)
        times.append(time.thread_time())
        renderer.render(face, k, head=turn)
        asked = noted.asked.pop().face
        if asked is not None:
            layers.of(*asked)
        times.append(time.thread_time())
        decoded, both = np.diff(times)
        spent.append((1000 * decoded, 1000 * (both - decoded)))
    first, second = np.median(spent, axis=0)
    return float(first), float(second)


def difference(gpu: Gpu, avatar: str, poses: int) -> tuple[float, float]:
    """(mean difference in levels of 255, share of the pixels that are farther off than FAR) from the CPU's pictures, at most."""
    rig, off = any_rig(read_imx(models_dir() / f"{avatar}.imx")), list[tuple[float, float]]()
    for face, ours, cpu in pairs(gpu, rig, poses):
        apart = np.abs(ours(face).astype(np.int16) - cpu(face))
        off.append((float(apart.mean()), float((apart.max(axis=2) > FAR).mean())))
    return max(mean for mean, _ in off), max(share for _, share in off)


def pairs(gpu: Gpu, rig: Rig, poses: int) -> Iterator[tuple[FaceState, Draws, Draws]]:
    """Faces, and who draws each: the device and the CPU. Of a film each is drawn into another frame, some turned."""
    if isinstance(rig, FootageRig):
        device, cpu = FootageRenderer(rig, GpuFilmDrawing(FilmsTogether(gpu, rig))), FootageRenderer(rig)
        for k, face in enumerate(faces(poses, 3)):
            frame, turn = k * rig.frames // poses, (k % 2) * face.head[:3]
            draws = [partial(each.render, frame=frame, head=turn) for each in (device, cpu)]
            yield face, draws[0], draws[1]
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
    print("avatar     side  sessions  pictures/s  CPU ms a picture   drawn by the CPU, ms")
    for avatar, side in (("mara", 512), ("mara", 1024), ("mara_film", None)):
        rig = any_rig(read_imx(models_dir() / f"{avatar}.imx"), side)
        film = isinstance(rig, FootageRig)
        alone = film_cost([FootageRenderer(rig)]) if film else portrait_cost(rig)
        for sessions in map(int, options.sessions.split(",")):
            seconds = options.seconds
            rate, cost = film_speed(gpu, rig, sessions, seconds) if film else portrait_speed(gpu, rig, sessions, seconds)
            print(f"{avatar:9s}  {min(rig.size):4d}  {sessions:8d}  {rate:10.0f}  {cost:16.2f}   {alone:.1f}", flush=True)
        if film:
            coded, more = (size / 1000 for size in sent_up(gpu, rig))
            print(f"\na frame sends up: of portraits {numbers.SENT} numbers; of a film {coded:.0f} kB coded, {more:.0f} kB more")
            print("CPU ms of a film's frame: decoded {:.2f}, all else made ready {:.2f}".format(*film_ready(rig)))
    print(f"\nfarthest from the CPU's pictures in {options.poses} poses: mean of 255, pixels more than {FAR} off")
    for avatar in AVATARS:
        mean, share = difference(gpu, avatar, options.poses)
        print(f"{avatar:9s}  {mean:.3f}  {100 * share:.4f} %", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

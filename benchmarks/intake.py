"""What the detour of uploads through processes of their own costs: ``python -m benchmarks.intake [--rounds 20]``.

Printed: ms of an ordinary sound, avatar and photo read in this process and through the door (which includes low priority), what a
process takes of memory, how long it takes to start, and how much of its allowance each kind of file maps.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from bithuman_core.build import build_avatar
from bithuman_core.face import FACE_SIZE
from bithuman_core.intake.allowance import AVATAR, MIB, PHOTO, SOUND, Allowance
from bithuman_core.intake.pool import ReadingPool, unheard
from bithuman_core.settings import models_dir, speech_clip
from bithuman_core.uploads import reading_pool
from bithuman_core.uploads.avatar import trial
from bithuman_core.uploads.photo import building
from bithuman_core.uploads.sound import sound

PHOTO_FILE = Path(__file__).parents[1] / "tests" / "data" / "astronaut.jpg"
CONSENT = "Public domain: a portrait by NASA."


def timed(work: Callable[[], Any], rounds: int) -> float:
    """Its median time, ms by the clock."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - begin))
    return median(times)


def mapped(pool: ReadingPool, name: str) -> float:
    """A figure of the status of its process, MiB (Linux); name: VmSize, VmPeak."""
    text = Path(f"/proc/{pool.processes[0]}/status").read_text(encoding="ascii")
    return int(text.split(f"{name}:")[1].split()[0]) / 1024


def taken(job: Callable[..., Any], allowance: Allowance, given: dict[str, Any]) -> float:
    """What a job maps at most on top of an idle process, MiB."""
    pool, sizes = reading_pool(), list[float]()
    pool.start()
    pool.run(sound, SOUND, path=str(speech_clip()), longest=1e9, name="x")  # it is ready
    idle = mapped(pool, "VmPeak")
    try:
        pool.run(job, allowance, lambda stage, share: sizes.append(mapped(pool, "VmPeak")), **given)
        if not sizes:
            sizes.append(mapped(pool, "VmPeak"))
    finally:
        pool.close()
    return max(sizes) - idle


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    pool = reading_pool()
    with TemporaryDirectory() as folder:
        out = str(Path(folder, "a.imx"))
        jobs: tuple[tuple[str, Any, Allowance, dict[str, Any], int], ...] = (
            ("sound of 16 s", sound, SOUND, {"path": str(speech_clip()), "longest": 180.0, "name": "x"}, rounds),
            ("avatar", trial, AVATAR, {"path": str(models_dir() / "mara.imx"), "face": [0.0] * FACE_SIZE}, rounds),
            ("photo", building, PHOTO, {"photo": str(PHOTO_FILE), "out": out, "name": "A", "consent": CONSENT}, 3),
        )  # fmt: skip
        build_avatar(PHOTO_FILE, out, consent=CONSENT)  # imports
        begin = time.perf_counter()
        pool.run(sound, SOUND, **jobs[0][3])
        print(f"a process is ready after {time.perf_counter() - begin:.1f} s")
        print(f"{'':16s}{'here, ms':>10s}{'door, ms':>10s}{'maps, MiB':>11s}{'of':>6s}")
        for name, job, allowance, given, count in jobs:
            inside = timed(partial(job, unheard, **given), count)
            through = timed(partial(pool.run, job, allowance, **given), count)
            share = taken(job, allowance, given)
            print(f"{name:16s}{inside:10.0f}{through:10.0f}{share:11.0f}{allowance.memory // MIB:6d}")
    pool.run(trial, AVATAR, **jobs[1][3])
    for number in pool.processes:
        memory = psutil.Process(number).memory_full_info()
        print(f"a process that waits: {memory.rss / MIB:.0f} MiB resident, {memory.uss / MIB:.0f} of its own")
    pool.close()


if __name__ == "__main__":
    main()

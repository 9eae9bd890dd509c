"""Avatar files of strangers: ``python -m benchmarks.fuzz_imx [--count 20000] [--first 0] [--workers 2] [--keep FOLDER]``.

Every seed is one mutation of a shipped avatar (one in eight whole, the others at an eighth of its size), loaded and drawn in a
process of its own, 2 s of work at most. Printed: how many were fine and refused, and every crash, traceback and slow one with its
seed. Seeds go on from ``--first``; ``--avatar FILM.imx`` mutates another avatar (one on film, say). The exit code is 1 where one
failed.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.imx_mutations import mutated
from benchmarks.imx_parts import Parts, small
from benchmarks.imx_trial import FINE, REFUSED, Outcome, Trials
from bithuman_core.settings import models_dir

LIMIT_SECONDS = 2.0
AVATARS = ("mara", "theo", "erik")
WHOLE = 8  # one in so many is tried in its full size


@cache
def base(avatar: str, whole: bool) -> Parts:
    """A sound avatar, taken apart."""
    path = models_dir() / f"{avatar}.imx"
    return Parts.of(path) if whole else small(path)


def made(seed: int) -> tuple[str, bytes]:
    """(what was done, the file) for a seed."""
    turn = seed // 3  # seeds go round the kinds of mutation first
    return mutated(base(AVATARS[turn % len(AVATARS)], turn % WHOLE == 0), seed)


def _of(parts: Parts, seed: int) -> tuple[str, bytes]:
    return mutated(parts, seed)


def tried(seeds: Iterable[int], folder: Path, make: Callable[[int], tuple[str, bytes]]) -> Iterator[tuple[int, str, Outcome]]:
    """(seed, what was done, what became of it) for every seed; make: see :func:`made`."""
    with Trials(LIMIT_SECONDS) as trials:
        for seed in seeds:
            what, content = make(seed)
            path = folder / f"{seed}.imx"
            path.write_bytes(content)
            yield seed, what, trials.run(path)
            path.unlink()


def main() -> int:
    """Try them and print what failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--first", type=int, default=0, help="seed to begin with")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="folder for the files that failed")
    parser.add_argument("--seconds", type=float, help="begin no more after so long")
    parser.add_argument("--avatar", type=Path, help="another avatar than the shipped ones: one on film, say")
    options = parser.parse_args()
    make = made if options.avatar is None else partial(_of, Parts.of(options.avatar))
    end = time.monotonic() + (options.seconds or float("inf"))
    kinds: Counter[str] = Counter()
    slowest: tuple[float, int] = (0.0, -1)
    rss, unforeseen, lock = 0.0, Counter[str](), threading.Lock()
    numbers = count(options.first)

    def seeds() -> Iterator[int]:
        while time.monotonic() < end:
            with lock:
                seed = next(numbers)
            if seed >= options.first + options.count:
                return
            yield seed

    def work(folder: Path) -> None:
        nonlocal slowest, rss
        for seed, what, outcome in tried(seeds(), folder, make):
            with lock:
                kinds[outcome.kind] += 1
                slowest, rss = max(slowest, (outcome.seconds, seed)), max(rss, outcome.rss_mib)
                if outcome.unforeseen:
                    unforeseen[outcome.says] += 1
                if outcome.kind not in (FINE, REFUSED):
                    print(f"{outcome.kind:9s} seed {seed} ({what}), {outcome.seconds:.2f} s\n{outcome.says}", flush=True)
                    if options.keep:
                        (options.keep / f"{seed}.imx").write_bytes(make(seed)[1])

    for avatar in AVATARS:  # before the threads ask for them
        base(avatar, True)
        base(avatar, False)
    with TemporaryDirectory() as folder, ThreadPoolExecutor(options.workers) as pool:
        list(pool.map(work, [Path(folder)] * options.workers))
    total = kinds.total()
    print(f"{total} files from seed {options.first} on: {', '.join(f'{n} {kind}' for kind, n in sorted(kinds.items()))}")
    print(f"slowest {slowest[0]:.2f} s (seed {slowest[1]}); the most memory {rss:.0f} MiB")
    print(f"refused by the last net alone: {unforeseen.total()}")
    for says, number in unforeseen.most_common():
        print(f"{number:6d}  {says}")
    return int(kinds[FINE] + kinds[REFUSED] < total)


if __name__ == "__main__":
    sys.exit(main())

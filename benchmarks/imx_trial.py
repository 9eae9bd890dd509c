"""Trying avatar files in a process of their own: one that ends it, or takes too long, is a result and not an accident.

As a program (``python -m benchmarks.imx_trial SECONDS``) it reads a path a line and answers with one line of JSON each.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import select
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

START_SECONDS = 120.0  # the kernels may have to be compiled
PATIENCE = 15  # times the limit, by the clock: others may have the processor, and a process may wait instead of work
FINE, REFUSED, TRACEBACK, CRASH, SLOW = "fine", "refused", "traceback", "crash", "slow"


@dataclass(frozen=True)
class Outcome:
    """What became of one file, in CPU seconds. kind: fine (loaded and drawn), refused (ModelError), traceback, crash, slow."""

    kind: str
    seconds: float
    says: str = ""
    unforeseen: bool = False  # refused only by the loaders' last net
    rss_mib: float = 0.0  # the most that the process has taken so far


class Trials:
    """A process that tries files, started anew after one that it did not survive."""

    def __init__(self, limit: float) -> None:
        """limit: CPU seconds that one file may take."""
        self._limit = limit
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Trials:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def run(self, path: Path) -> Outcome:
        """Load and draw one avatar file there."""
        process = self._process or self._start()
        assert process.stdin and process.stdout
        begin = time.monotonic()
        process.stdin.write(f"{path}\n")
        process.stdin.flush()
        answer = _line(process.stdout, PATIENCE * self._limit)
        seconds = time.monotonic() - begin
        if answer:
            return Outcome(**json.loads(answer))
        if answer is None:
            self._end()
            return Outcome(SLOW, seconds, f"stopped after {seconds:.1f} s")
        code = process.wait()
        self._end()
        if code == -signal.SIGPROF:
            return Outcome(SLOW, self._limit, f"stopped after {self._limit} s of work")
        return Outcome(CRASH, seconds, f"the process ended with {code}")

    def _start(self) -> subprocess.Popen[str]:
        root, command = Path(__file__).parents[1], [sys.executable, "-m", "benchmarks.imx_trial", str(self._limit)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
        )  # fmt: skip
        assert self._process.stdout
        if not _line(self._process.stdout, START_SECONDS):
            raise RuntimeError("the process that tries avatars does not start")
        return self._process

    def _end(self) -> None:
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _line(stream: IO[str], seconds: float) -> str | None:
    """The next line; empty at the end of the stream, None where none came in time."""
    return stream.readline() if select.select([stream], [], [], seconds)[0] else None


def attempt(path: Path) -> Outcome:
    """Load one avatar in this process, and draw it in poses that reach far."""
    from bithuman_core.errors import ModelError

    begin = time.process_time()
    kind, says, unforeseen = FINE, "", False
    try:
        _show(path)
    except ModelError as error:
        kind, says = REFUSED, str(error)
        unforeseen = error.__cause__ is not None and "cannot be read (" in says
    except Exception:  # noqa: BLE001 - this is what is looked for
        kind, says = TRACEBACK, traceback.format_exc(limit=-4)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Outcome(kind, time.process_time() - begin, says, unforeseen, peak)


def _show(path: Path) -> None:
    """What a page does with an avatar: names, gestures, pictures, in both sizes."""
    from bithuman_core.face import ARKIT_NAMES, HEAD_NAMES, FaceState
    from bithuman_core.imx import read_imx
    from bithuman_core.motion.gesture import Gesture
    from bithuman_core.render import any_rig, renderer_for

    avatar = read_imx(path)
    manifest = avatar.manifest
    json.dumps([manifest.name, *manifest.gestures, manifest.provenance], ensure_ascii=False).encode()
    gestures = [Gesture.from_manifest(name, raw) for name, raw in manifest.gestures.items()]
    wide: dict[str, float] = dict.fromkeys(ARKIT_NAMES, 1.0) | dict.fromkeys(HEAD_NAMES, 1000.0) | {"breath": 1.0}
    odd: dict[str, float] = {name: float(k % 2) for k, name in enumerate(ARKIT_NAMES)} | dict.fromkeys(HEAD_NAMES, -1000.0)
    faces = [FaceState(), FaceState.from_mapping(wide), FaceState.from_mapping(odd)]
    faces += [FaceState(gesture.at(0.4 * gesture.seconds)) for gesture in gestures[:3]]
    for side in (None, 2 * min(manifest.canvas)) if manifest.kind == "portrait" else (None,):
        rig = any_rig(avatar, side)
        renderer = renderer_for(rig)
        for face in faces if side is None else faces[:2]:
            rig.measure(face)
            renderer.render(face)


def main() -> int:
    """Answer until there are no more lines."""
    logging.disable(logging.CRITICAL)  # the log keeps what a loader stumbled over; here it is counted
    from bithuman_core import engine

    def answer(content: Any) -> None:
        print(json.dumps(content), flush=True)

    answer(engine.__name__)
    for line in sys.stdin:
        signal.setitimer(signal.ITIMER_PROF, float(sys.argv[1]))  # ends the process, whatever it is in the middle of
        made = attempt(Path(line.rstrip("\n")))
        signal.setitimer(signal.ITIMER_PROF, 0)
        answer({name: getattr(made, name) for name in made.__dataclass_fields__})
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The process that reads what somebody else sent: ``python -m bithuman_core.intake.child MODULE ...`` (imported beforehand).

It takes one job after the other from its standard input, does it within its allowance, and answers on its standard output. It
ends when the server does, whatever it is in the middle of, and when a job has made it grow.
"""

from __future__ import annotations

import logging
import os
import queue
import resource
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from bithuman_core.errors import BithumanError
from bithuman_core.intake.allowance import MIB
from bithuman_core.intake.wire import receive, send

logger = logging.getLogger(__name__)

NICENESS = 15  # those who are live come first
GROWN = 96 * MIB  # resident, since the start: a process that has grown by more after a job gives it back by ending


def main() -> None:
    """Do jobs until the other side has gone."""
    jobs, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what libraries print is no answer
    os.nice(NICENESS)
    _offer_memory()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    coming: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(jobs, coming), daemon=True).start()
    logging.disable()  # what there is to say about this machine, the server has said
    for name in sys.argv[1:]:
        import_module(name)
    _let_go()
    logging.disable(logging.NOTSET)
    size = _resident()
    send(answers, {"ready": True})
    while True:
        job = coming.get()
        message, content = _answer(job, answers)
        leaving = _resident() > size + GROWN
        send(answers, {**message, "leaving": leaving}, content)
        if leaving:
            return


def _offer_memory() -> None:
    """Where memory runs out, the system ends this process first, and not the server."""
    with suppress(OSError):  # not on macOS
        Path("/proc/self/oom_score_adj").write_text("1000")


def _listen(jobs: IO[bytes], coming: queue.SimpleQueue[dict[str, Any]]) -> None:
    while received := receive(jobs):
        coming.put(received[0])
    os._exit(0)


def _let_go() -> None:
    """The compiler of the kernels, where they were loaded: nothing calls it any more."""
    if "bithuman_core.render.kernel" in sys.modules:
        from bithuman_core.render.compiler import release_compiler

        release_compiler()


def _answer(job: dict[str, Any], answers: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    """What came of a job: its result, or what the server raises in its place."""

    def report(stage: str, share: float) -> None:
        send(answers, {"stage": stage, "share": share})

    try:
        module, _, name = str(job["job"]).partition(":")
        function = getattr(import_module(module), name)
        with _limited(job["work"], job["wait"], job["memory"]):
            facts, content = function(report, **job["given"])
        return {"facts": facts}, content
    except BithumanError as error:
        return {"error": type(error).__name__, "message": error.message}, b""
    except MemoryError:
        return {"outgrown": True}, b""
    except OSError as error:
        return {"errno": error.errno or 0}, b""
    except Exception as error:
        logger.warning("a file could not be read", exc_info=True)
        return {"broken": type(error).__name__}, b""


@contextmanager
def _limited(work: float, wait: float, memory: int) -> Iterator[None]:
    """The system ends the process after so many s of work (SIGPROF) or by the clock (SIGALRM), and gives it so much memory."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    mapped = _statm(0)
    if mapped:
        most = mapped + memory if hard == resource.RLIM_INFINITY else min(mapped + memory, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    signal.setitimer(signal.ITIMER_PROF, work)
    signal.setitimer(signal.ITIMER_REAL, wait)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def _resident() -> int:
    return _statm(1)


def _statm(field: int) -> int:
    """Bytes that this process has mapped (0), or resident (1); 0 where the system does not tell (macOS)."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[field]
    except OSError:
        return 0
    return int(pages) * resource.getpagesize()


if __name__ == "__main__":
    main()

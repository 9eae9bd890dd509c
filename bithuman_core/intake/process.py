"""One process that reads foreign files, seen from the server."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, cast

import bithuman_core
from bithuman_core import errors
from bithuman_core.errors import BithumanError, IntakeError
from bithuman_core.intake.allowance import MIB, Allowance
from bithuman_core.intake.wire import WireError, receive, send

START_SECONDS = 180.0  # where no cache can be written, the kernels are compiled first
LATE_SECONDS = 1.0  # after which the server ends a process that the system should have ended
# One thread and one heap: both reserve memory that the limit would count.
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
SECRET = re.compile("KEY|TOKEN|SECRET|PASS|CREDENTIAL|TURN", re.IGNORECASE)  # in names of environment variables
Report = Callable[[str, float], None]  # (name of the stage, share of the whole that is done, 0..1)

CLOSED = "The server is ending: try again in a minute."
NOT_STARTED = "The server cannot read files at the moment: try again in a minute."
DAMAGED = "The file could not be read, it is damaged: save it again with another program, or use another one."
SLOW = "The file takes more than the {seconds:g} seconds of work that are given to one here: use a shorter or simpler one."
LARGE = "The file takes more than the {mib} MiB of memory that are given to one here: use a smaller or simpler one."
NO_MEMORY = "The server has no memory left for that file: use a smaller or shorter one, or try again in a minute."
LATE = "The file could not be read within {seconds:g} seconds: try again, or use a shorter or simpler one."


class ReadingProcess:
    """Begins at once and is ready some seconds later. Inherits no open file or connection of the server."""

    def __init__(self, modules: Sequence[str], ending: int) -> None:
        """modules: what it imports before it is ready. ending: a descriptor whose other end is closed when the server ends.

        Raises IntakeError where the system begins no process.
        """
        root = str(Path(bithuman_core.__file__).resolve().parents[1])
        path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bithuman_core.intake.child", *modules],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**without_secrets(os.environ), **ENVIRONMENT, "PYTHONPATH": path},
                cwd=root,
                start_new_session=True,  # Ctrl+C in a terminal is the server's, which then ends this
            )
        except OSError as error:  # no memory or descriptors left
            raise IntakeError(NOT_STARTED) from error
        assert self._process.stdin and self._process.stdout
        self._in, self._out = self._process.stdin, cast(BufferedReader, self._process.stdout).raw
        self._ending, self._ready = ending, False

    @property
    def pid(self) -> int:
        """Its number, for tests and figures."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can take another job."""
        return self._process.poll() is None

    def run(self, job: str, given: dict[str, Any], allowance: Allowance, report: Report) -> tuple[dict[str, Any], bytes]:
        """Do ``job`` ("module:function", see :class:`~bithuman_core.intake.pool.ReadingPool`) there; blocks.

        Raises what the job raises of our errors, OSError with its number, IntakeError where it does not come to an end. After
        anything that it did not foresee, the process is no longer alive.
        """
        self._wait_until_ready()
        late = threading.Event()
        overdue = threading.Timer(allowance.wait + LATE_SECONDS, lambda: (late.set(), self.kill()))
        overdue.daemon = True
        overdue.start()
        settled = False
        try:
            limits = {"work": allowance.work, "wait": allowance.wait, "memory": allowance.memory}
            try:
                send(self._in, {"job": job, "given": given, **limits})
            except BrokenPipeError as error:  # it was ended while it waited
                raise IntakeError(NOT_STARTED) from error
            while True:
                message, content = self._received(allowance, late)
                if "stage" not in message:
                    settled = not message.get("leaving", True)
                    return _result(message, allowance), content
                report(str(message["stage"]), float(message["share"]))
        finally:
            overdue.cancel()
            if self._is_ending(0):
                self.kill()  # not waited for: it is of low priority
            elif not settled:
                self.end()

    def kill(self) -> None:
        """Begin to end it, whatever it does."""
        self._process.kill()

    def wait(self, seconds: float) -> None:
        """Until it has gone, or not so long."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def end(self) -> None:
        """End it, whatever it does, and leave nothing of it."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """The same, for one that no thread uses."""
        self.end()
        with suppress(BrokenPipeError):  # what was still to be sent
            self._in.close()
        self._out.close()

    def _wait_until_ready(self) -> None:
        if self._ready:
            return
        overdue = threading.Timer(START_SECONDS, self._process.kill)
        overdue.daemon = True
        overdue.start()
        try:
            self._ready = self._next() is not None
        except WireError:
            self._ready = False
        finally:
            overdue.cancel()
        if not self._ready:
            self.end()
            raise IntakeError(NOT_STARTED)

    def _next(self) -> tuple[dict[str, Any], bytes] | None:
        """What it says next. Raises WireError, IntakeError where the server ends first."""
        if self._is_ending(None):
            raise IntakeError(CLOSED)
        return receive(cast(IO[bytes], self._out))

    def _is_ending(self, wait: float | None) -> bool:
        """Whether the server ends; None: waits until it does, or until the process says something."""
        waiting = select.poll()
        waiting.register(self._ending, select.POLLIN)
        if wait is None:
            waiting.register(cast(IO[bytes], self._out), select.POLLIN)
        return any(descriptor == self._ending for descriptor, _ in waiting.poll(wait))

    def _received(self, allowance: Allowance, late: threading.Event) -> tuple[dict[str, Any], bytes]:
        try:
            if received := self._next():
                return received
        except WireError as error:
            raise IntakeError(DAMAGED) from error
        code = self._process.wait()
        if code == -signal.SIGPROF:
            raise IntakeError(SLOW.format(seconds=allowance.work))
        if code == -signal.SIGALRM or late.is_set():
            raise IntakeError(LATE.format(seconds=allowance.wait))
        if code == -signal.SIGKILL:  # by the system, see child.py
            raise IntakeError(NO_MEMORY)
        raise IntakeError(DAMAGED)


def _result(message: dict[str, Any], allowance: Allowance) -> dict[str, Any]:
    """The facts of an answer. Raises what it says was raised."""
    if "error" in message:
        raise _error_named(str(message["error"]))(str(message["message"]))
    if "outgrown" in message:
        raise IntakeError(LARGE.format(mib=allowance.memory // MIB))
    if "errno" in message:
        raise OSError(int(message["errno"]), os.strerror(int(message["errno"])))
    if not isinstance(message.get("facts"), dict):
        raise IntakeError(DAMAGED)
    return message["facts"]


def _error_named(name: str) -> type[BithumanError]:
    kind = getattr(errors, name, None)
    return kind if isinstance(kind, type) and issubclass(kind, BithumanError) else IntakeError


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without what whoever takes that process over should not get."""
    return {name: value for name, value in environment.items() if not SECRET.search(name)}

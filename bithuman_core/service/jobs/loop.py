"""A thread that sees to jobs as long as there are some, and looks again where there are none."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod

from bithuman_core.low_priority import be_nice
from bithuman_core.service.errors import Unavailable
from bithuman_core.service.jobs.queue import Queue

logger = logging.getLogger(__name__)

IDLE_SECONDS = 2.0  # until the database is asked again; what this process is asked for itself begins at once
JOIN_SECONDS = 2.0


class JobLoop(ABC):
    """What the service has its jobs seen to by: the thread of a process, or a cluster."""

    def __init__(self, queue: Queue, name: str) -> None:
        """name: of the thread."""
        self.queue = queue
        self._wake, self._ending = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def step(self) -> bool:
        """See to one job, where there is one; whether there was. Raises Unavailable."""

    def start(self) -> None:
        """Begin to see to jobs."""
        self._thread.start()

    def wake(self) -> None:
        """There is a new job."""
        self._wake.set()

    def close(self) -> None:
        """See to no more."""
        self._ending.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_SECONDS)

    def _run(self) -> None:
        be_nice()  # visitors come first
        while not self._ending.is_set():
            try:
                if self.step():
                    continue
            except Unavailable:
                pass  # it is asked again
            except Exception:
                logger.exception("The thread of jobs stumbled.")
            self._wake.wait(IDLE_SECONDS)
            self._wake.clear()

"""What a process does beside requests and jobs: takes deliveries to their addresses, and tidies up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from sqlalchemy import delete, select

from bithuman_core.low_priority import be_nice
from bithuman_core.service.data.database import Database
from bithuman_core.service.data.tables import Delivery, Live, Upload
from bithuman_core.service.errors import NotFound, Unavailable
from bithuman_core.service.live import end_the_lost
from bithuman_core.service.storage import Storage
from bithuman_core.service.webhooks.sender import Sender

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
TIDY_SECONDS = 600.0
DELIVERIES_KEPT = 30 * 86_400.0  # s
SESSIONS_KEPT = 90 * 86_400.0  # s, after the end of a live avatar
AT_ONCE = 100  # files


class Chores:
    """One thread. uploads_kept: s after which a file goes that nobody deleted. now: Unix seconds."""

    def __init__(
        self, database: Database, storage: Storage, sender: Sender, uploads_kept: float, now: Callable[[], float]
    ) -> None:
        self._database, self._storage, self._sender = database, storage, sender
        self._uploads_kept, self._now = uploads_kept, now
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chores", daemon=True)
        self._tidied = float("-inf")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self, seconds: float = 1.0) -> None:
        """End; a delivery under way is sent again by another process."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def tidy(self) -> None:
        """Remove what is old. Raises Unavailable."""
        now = self._now()
        with self._database.writing() as session:
            session.execute(delete(Delivery).where(Delivery.updated < now - DELIVERIES_KEPT, Delivery.status != "queued"))
            end_the_lost(session, now)
            session.execute(delete(Live).where(Live.ended_at < now - SESSIONS_KEPT))
        old = select(Upload.id).where(Upload.created < now - self._uploads_kept).limit(AT_ONCE)
        with self._database.reading() as session:
            numbers = list(session.scalars(old))
        for number in numbers:
            with self._database.writing() as session:
                row = session.get(Upload, number, with_for_update=True)
                if row is not None:
                    session.delete(row)
                    self._storage.drop(session, row.sha256)

    def _run(self) -> None:
        be_nice()
        while not self._ending.wait(PAUSE_SECONDS):
            try:
                while not self._ending.is_set() and self._sender.step():
                    pass
                if self._now() - self._tidied > TIDY_SECONDS:
                    self._tidied = self._now()
                    self.tidy()
            except (Unavailable, NotFound):  # noqa: PERF203  # it is asked again
                continue
            except Exception:
                logger.exception("The thread of chores stumbled.")

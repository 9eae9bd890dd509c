"""What one process of the service needs, and how it begins and ends."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from sqlalchemy import func, select

from bithuman_core.intake.pool import ReadingPool
from bithuman_core.low_priority import be_nice
from bithuman_core.private_folder import PrivateFolder
from bithuman_core.service.chores import Chores
from bithuman_core.service.data.database import Database
from bithuman_core.service.data.tables import Agent
from bithuman_core.service.jobs.loop import JobLoop
from bithuman_core.service.jobs.runner import PREFIX, Runner
from bithuman_core.service.limits import ServiceLimits
from bithuman_core.service.live import TOUCH_SECONDS, LiveAvatars
from bithuman_core.service.metrics import Metrics
from bithuman_core.service.secrets.store import Secrets
from bithuman_core.service.speech import Speaker
from bithuman_core.service.storage import Storage
from bithuman_core.service.tokens import Tokens
from bithuman_core.service.webhooks.sender import Sender
from bithuman_core.uploads import reading_pool
from bithuman_core.voice import TextToSpeech, text_to_speech
from bithuman_core.worker.download import Downloads
from bithuman_core.worker.limits import WorkerLimits

if TYPE_CHECKING:
    from bithuman_core.service.embed.visits import Embeds  # which brings FastRTC along

UPLOAD_THREADS = 4


class Service:
    """Everything that requests are answered with. What must outlive the process lies in ``database`` and ``storage``."""

    def __init__(
        self,
        database: Database,
        storage: Storage,
        *,
        limits: ServiceLimits | None = None,
        voice: TextToSpeech | None = None,
        reading: ReadingPool | None = None,
        now: Callable[[], float] = time.time,
        touch: float = TOUCH_SECONDS,
        make_runner: Callable[[Service], JobLoop] | None = None,
    ) -> None:
        """The database has to be up to date. voice, reading: its own ones. now: Unix seconds. touch: s between two writings of
        live avatars' rows. make_runner: who does its jobs; None: a thread of this process.
        """
        self.database, self.storage, self.now = database, storage, now
        self.limits = limits or ServiceLimits()
        self.metrics = Metrics()
        self.secrets, self.tokens = Secrets(database, now), Tokens(database, now)
        self.voice = voice or text_to_speech()
        self.speaker = Speaker(self.voice, self.limits.speeches)
        self.reading = reading or reading_pool()
        self.name = f"{socket.gethostname()[:15]}-{secrets.token_hex(6)}"
        self.embeds: Embeds | None = None  # where avatars live on pages of other sites
        self.live = LiveAvatars(database, self.name, now, touch)
        self.runner: JobLoop = (
            make_runner(self)
            if make_runner is not None
            else Runner(database, storage, self.reading, self.voice, self.name, self.metrics, now)
        )
        fetching = WorkerLimits(upload_bytes=self.limits.doors.file_bytes, fetch_from=self.limits.fetch_from)
        self.downloads = Downloads(fetching, "the address")
        self.sender = Sender(database, self.metrics, now, self.limits.fetch_from)
        self.chores = Chores(database, storage, self.sender, self.limits.uploads_kept, now)
        self.folder = PrivateFolder(PREFIX)
        self.files = ThreadPoolExecutor(UPLOAD_THREADS, "files", initializer=be_nice)

    def start(self) -> None:
        """Begin to work on jobs and deliveries."""
        self.speaker.look()
        self.runner.start()
        self.chores.start()

    def close(self) -> None:
        """End: jobs under way are put back, and another process begins them anew."""
        self.reading.close()
        self.runner.close()
        self.chores.close()
        self.speaker.close()
        self.files.shutdown(wait=False, cancel_futures=True)
        self.folder.close()
        self.database.close()

    def check(self) -> None:
        """Whether database and storage answer. Raises Unavailable."""
        with self.database.reading() as session:
            session.execute(select(1))
        self.storage.check()

    def agents(self) -> int:
        """How many there are."""
        with self.database.reading() as session:
            return session.scalar(select(func.count()).select_from(Agent)) or 0


def _of_request(request: Request) -> Service:
    return request.app.state.service


InService = Annotated[Service, Depends(_of_request)]

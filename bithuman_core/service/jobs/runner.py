"""The thread of a process that does jobs, one at a time and at low priority; it renews their leases while it does."""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from sqlalchemy.orm import Session

from bithuman_core.errors import BithumanError, IntakeError
from bithuman_core.intake.pool import ReadingPool
from bithuman_core.private_folder import PrivateFolder
from bithuman_core.service.data.database import Database
from bithuman_core.service.data.tables import Agent
from bithuman_core.service.errors import NotFound, ServiceError, Unavailable
from bithuman_core.service.jobs.agents import make_agent
from bithuman_core.service.jobs.loop import JobLoop
from bithuman_core.service.jobs.queue import DONE, FAILED, LOST, RENEW_SECONDS, TRIES, LostLease, Queue, Task
from bithuman_core.service.jobs.videos import make_video
from bithuman_core.service.metrics import Metrics
from bithuman_core.service.storage import Storage
from bithuman_core.service.webhooks.events import emit
from bithuman_core.voice import TextToSpeech

logger = logging.getLogger(__name__)

PREFIX = "bithuman-service-"
BROKE = "The server broke three times over this: its log tells more."
UNAVAILABLE = "The server's storage was away three times while it worked on this: try again later."


class Runner(JobLoop):
    """Does jobs as long as it lives."""

    def __init__(
        self, database: Database, storage: Storage, pool: ReadingPool, voice: TextToSpeech, holder: str, metrics: Metrics,
        now: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        super().__init__(Queue(database, holder, now), "jobs")
        self._database, self._storage, self._pool, self._voice = database, storage, pool, voice
        self._metrics, self._now = metrics, now
        self._folder = PrivateFolder(PREFIX)

    def close(self) -> None:
        """Take no more; the job that is being done is put back (its process is ended with the pool)."""
        super().close()
        self._folder.close()

    def step(self) -> bool:
        """Do one job, where there is one. Raises Unavailable."""
        task = self.queue.claim()
        if task is None:
            return False
        self.do(task)
        return True

    def do(self, task: Task) -> None:
        """Do a job that was claimed for this holder. Raises Unavailable."""
        began = time.monotonic()
        with suppress(LostLease):
            outcome = self._do(task)
            self._metrics.job(task.kind, outcome, time.monotonic() - began)

    def _do(self, task: Task) -> str:
        """How it ended. Raises LostLease, Unavailable."""
        if task.tries > TRIES:
            return self._fail(task, LOST)
        renewing = _Renewing(self.queue, task)
        with ExitStack() as belongings:
            belongings.enter_context(renewing)
            try:
                folder = Path(belongings.enter_context(tempfile.TemporaryDirectory(dir=self._folder.path)))
                self._work(task, folder, renewing.report, belongings)
                return DONE
            except (LostLease, NotFound):
                raise LostLease from None  # the agent was deleted meanwhile
            except (IntakeError, Unavailable, OSError) as error:  # of the machine: it may go better next time
                if self._ending.is_set():
                    self.queue.put_back(task)
                    return "put back"
                sentence = error.message if isinstance(error, IntakeError) else UNAVAILABLE
                logger.warning("A job is tried again: %s", error)
            except ServiceError as error:
                sentence = error.message
            except BithumanError as error:  # of what was sent: it would not go better
                return self._fail(task, _sentence(error.message))
            except Exception:
                logger.exception("A job broke.")
                sentence = BROKE
        return "again" if self.queue.again(task) else self._fail(task, sentence)

    def _work(self, task: Task, folder: Path, report: Callable[[str, float], None], belongings: ExitStack) -> None:
        source = None
        if task.source is not None:
            source = folder / "source"
            self._storage.fetch(task.source, source)
        if task.kind == "agent":
            assert source is not None
            made = make_agent(self._pool, task, source, folder, report)
            model = belongings.enter_context(self._storage.bringing(made.model))
            still = belongings.enter_context(self._storage.bringing(made.still))
            with self._database.writing() as session:
                self.queue.settle(session, task, status=DONE, share=1.0, stage="done", source=None)
                agent = self._agent(session, task)
                agent.model, agent.still = self._storage.keep(session, model), self._storage.keep(session, still)
                agent.status, agent.error, agent.notes, agent.updated = "ready", None, list(made.notes), self._now()
                self._storage.drop(session, task.source)
                emit(session, "agent.ready", {"agent_id": agent.code, "code": agent.code}, self._now())
            return
        with self._database.reading() as session:
            model = self._agent(session, task).model
        if model is None:
            raise NotFound("The agent has no avatar.")
        avatar = folder / "model.imx"
        self._storage.fetch(model, avatar)
        video = belongings.enter_context(
            self._storage.bringing(make_video(self._pool, self._voice, task, avatar, source, folder, report))
        )
        with self._database.writing() as session:
            result = self._storage.keep(session, video)
            self.queue.settle(session, task, status=DONE, share=1.0, stage="done", source=None, result=result)
            self._storage.drop(session, task.source)
            emit(session, "video.ready", {"video_id": task.id, "agent_id": task.agent_code}, self._now())

    def _fail(self, task: Task, sentence: str) -> str:
        with self._database.writing() as session:
            self.queue.settle(session, task, status=FAILED, error=sentence, source=None)
            told = {"agent_id": task.agent_code, "error": sentence}
            if task.kind == "agent":
                agent = self._agent(session, task)
                agent.status, agent.error, agent.updated = "failed", sentence, self._now()
                emit(session, "agent.failed", {**told, "code": task.agent_code}, self._now())
            else:
                emit(session, "video.failed", {**told, "video_id": task.id}, self._now())
            self._storage.drop(session, task.source)
        return FAILED

    def _agent(self, session: Session, task: Task) -> Agent:
        agent = session.get(Agent, task.agent_code, with_for_update=True)
        if agent is None:
            raise LostLease
        return agent


def _sentence(message: str) -> str:
    """What the builder says on the command line after ``error``, as it stands alone."""
    return message[:1].upper() + message[1:] + ("" if message.endswith((".", '"')) else ".")


class _Renewing:
    """Holds a job's lease while it is worked on, whether the work tells of itself or not."""

    def __init__(self, queue: Queue, task: Task) -> None:
        self._queue, self._task = queue, task
        self._told = ("starting", 0.0)
        self._over = threading.Event()
        self._lost = False
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    def __enter__(self) -> _Renewing:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def report(self, stage: str, share: float) -> None:
        """How the work goes. Raises LostLease, which ends it."""
        self._told = (stage, share)
        if self._lost:
            raise LostLease

    def _run(self) -> None:
        while not self._over.wait(RENEW_SECONDS):
            try:
                self._queue.renew(self._task, *self._told)
            except LostLease:  # noqa: PERF203  # every ten seconds
                self._lost = True
                return
            except Unavailable:
                continue  # there is a while left

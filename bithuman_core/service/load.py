"""How much an installation has had to do: written down once a minute, kept for some days."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from bithuman_core.service.data.tables import Job, Live, Load, Usage
from bithuman_core.service.data.upsert import insert_or_greatest
from bithuman_core.service.jobs.queue import QUEUED, RUNNING
from bithuman_core.service.secrets.quotas import DAY, MINUTE, REQUESTS

KEPT_SECONDS = 7 * DAY
SEEN_SECONDS = 15.0  # since which a live avatar has been heard of
STEP = 5 * MINUTE  # s between two points of a day's curve


@dataclass(frozen=True, slots=True)
class Point:
    """The load of some minutes from ``at`` (Unix seconds): the most avatars live and jobs open at once, requests a minute."""

    at: int
    live: int
    jobs: int
    requests: float


def live_now(session: Session, now: float) -> int:
    """Avatars that are live, in all processes."""
    return session.scalar(select(func.count()).select_from(Live).where(Live.seen > now - SEEN_SECONDS)) or 0


def open_jobs(session: Session) -> int:
    """Jobs that wait or are worked on."""
    return session.scalar(select(func.count()).select_from(Job).where(Job.status.in_((QUEUED, RUNNING)))) or 0


def write_down(session: Session, now: float) -> None:
    """The load of this minute; several processes may do it, the greatest stays."""
    minute = int(now // MINUTE * MINUTE)
    row = {"minute": minute, "live": live_now(session, now), "jobs": open_jobs(session)}
    insert_or_greatest(session, Load, row, ["minute"], ["live", "jobs"])
    session.execute(delete(Load).where(Load.minute < now - KEPT_SECONDS))


def of_a_day(session: Session, now: float) -> list[Point]:
    """The last 24 hours, a point every five minutes, the oldest first. Where nothing was written down it is 0."""
    last = int(now // STEP * STEP)
    begins = range(last - DAY + STEP, last + STEP, STEP)
    live, jobs, requests = (dict.fromkeys(begins, 0) for _ in range(3))
    for minute, lived, waited in session.execute(select(Load.minute, Load.live, Load.jobs).where(Load.minute >= begins[0])):
        at = minute // STEP * STEP
        if at in live:
            live[at], jobs[at] = max(live[at], lived), max(jobs[at], waited)
    asked = (
        select(Usage.begin, func.sum(Usage.amount))
        .where(Usage.kind == REQUESTS, Usage.begin >= begins[0])
        .group_by(Usage.begin)
    )
    for minute, amount in session.execute(asked):
        at = minute // STEP * STEP
        if at in requests:
            requests[at] += int(amount)
    return [Point(at, live[at], jobs[at], requests[at] * MINUTE / STEP) for at in begins]

"""How much an installation had to do in the last day: read from what the database keeps of live avatars, jobs and requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy import Select, case, func, or_, select
from sqlalchemy.orm import Session

from bithuman_core.service.data.tables import Job, Live, Usage
from bithuman_core.service.jobs.queue import QUEUED, RUNNING
from bithuman_core.service.live import is_live
from bithuman_core.service.secrets.quotas import DAY, MINUTE, REQUESTS

STEP = 5 * MINUTE  # s between two points of a day's curve


@dataclass(frozen=True, slots=True)
class Point:
    """The load of the minutes from ``at`` (Unix seconds): the most avatars live and jobs open at once, requests a minute."""

    at: int
    live: int
    jobs: int
    requests: float


def live_now(session: Session, now: float) -> int:
    """Avatars that are live, in all processes."""
    return session.scalar(select(func.count()).select_from(Live).where(is_live(now))) or 0


def open_jobs(session: Session) -> int:
    """Jobs that wait or are worked on."""
    return session.scalar(select(func.count()).select_from(Job).where(Job.status.in_((QUEUED, RUNNING)))) or 0


def of_a_day(session: Session, now: float) -> list[Point]:
    """The last 24 hours, a point every five minutes, the oldest first."""
    last = int(now // STEP * STEP)
    begins = range(last - DAY + STEP, last + STEP, STEP)
    ended = case((is_live(now), now + STEP), else_=func.coalesce(Live.ended_at, Live.seen_at))
    lived = select(Live.started_at, ended).where(or_(Live.ended_at.is_(None), Live.ended_at >= begins[0]))
    over = case((Job.status.in_((QUEUED, RUNNING)), now + STEP), else_=Job.updated)
    worked = select(Job.created, over).where(or_(Job.status.in_((QUEUED, RUNNING)), Job.updated >= begins[0]))
    requests = _requests(session, begins, now)
    live, jobs = (most_at_once(_stretches(session, wanted), begins) for wanted in (lived, worked))
    return [Point(*point) for point in zip(begins, live, jobs, requests, strict=True)]


def most_at_once(stretches: Iterable[tuple[float, float]], begins: Sequence[int]) -> list[int]:
    """Of stretches of time (begin, end), how many there are at once at most, from each of ``begins`` to the next one."""
    changes = sorted((at, change) for begin, end in stretches if end > begin for at, change in ((begin, 1), (end, -1)))
    most, count, number = list[int](), 0, 0
    for begin, following in pairwise([*begins, float("inf")]):
        while number < len(changes) and changes[number][0] <= begin:
            count += changes[number][1]
            number += 1
        highest = count
        while number < len(changes) and changes[number][0] < following:
            count += changes[number][1]
            highest = max(highest, count)
            number += 1
        most.append(highest)
    return most


def _stretches(session: Session, wanted: Select[float, float | None]) -> list[tuple[float, float]]:
    return [(begin, float(end or 0)) for begin, end in session.execute(wanted)]


def _requests(session: Session, begins: Sequence[int], now: float) -> list[float]:
    step = Usage.begin - Usage.begin % STEP
    asked = (
        select(step.label("step"), func.sum(Usage.amount))
        .where(Usage.kind == REQUESTS, Usage.begin >= begins[0]).group_by("step")
    )  # fmt: skip
    amounts = {int(at): int(amount) for at, amount in session.execute(asked)}
    return [amounts.get(at, 0) * MINUTE / min(STEP, max(now - at, MINUTE)) for at in begins]  # the last ones are not over

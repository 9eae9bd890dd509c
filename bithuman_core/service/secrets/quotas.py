"""How much a secret takes: counted in the database, so that all processes of an installation count together."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.orm import Session

from bithuman_core.service.data.tables import Usage
from bithuman_core.service.data.upsert import insert_or_add
from bithuman_core.service.errors import RateLimited

MINUTE, DAY = 60, 86_400  # s
KEPT_SECONDS = 32 * DAY  # of what was counted
REQUESTS, MADE = "requests", "made"  # a minute; agents and videos a day
TOO_OFTEN = "This secret may ask {limit} times a minute: wait a little, then try again."
TOO_MUCH = "This secret may have {limit} agents and videos made a day: try again tomorrow, or use another one."


def take_request(session: Session, secret_id: str, limit: int, now: float) -> None:
    """Count a request. Raises RateLimited."""
    _take(session, secret_id, REQUESTS, MINUTE, limit, now, TOO_OFTEN)


def take_made(session: Session, secret_id: str, limit: int, now: float) -> None:
    """Count an agent or video that is to be made. Raises RateLimited."""
    _take(session, secret_id, MADE, DAY, limit, now, TOO_MUCH)


def _take(session: Session, secret_id: str, kind: str, seconds: int, limit: int, now: float, sentence: str) -> None:
    begin = int(now // seconds * seconds)
    row = {"secret_id": secret_id, "kind": kind, "begin": begin, "amount": 1}
    amount = insert_or_add(session, Usage, row, ["secret_id", "kind", "begin"], "amount")
    if amount == 1:  # the first one of its stretch tidies up
        session.execute(delete(Usage).where(Usage.secret_id == secret_id, Usage.begin < now - KEPT_SECONDS))
    if amount > limit:
        raise RateLimited(sentence.format(limit=limit), retry=int(begin + seconds - now) + 1)

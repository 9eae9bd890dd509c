"""Who did what. Nothing of secrets, and nothing that people wrote: ids, codes and results alone."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.orm import Session

from bithuman_core.service.data.tables import AuditEntry

KEPT_SECONDS = 400 * 86_400.0  # a year, and a month to look back on it


def note(session: Session, now: float, secret_id: str | None, action: str, target: str = "", outcome: str = "done") -> None:
    """Write one line; what is very old goes."""
    session.add(AuditEntry(at=now, secret_id=secret_id, action=action, target=target[:64], outcome=outcome))
    session.execute(delete(AuditEntry).where(AuditEntry.at < now - KEPT_SECONDS))

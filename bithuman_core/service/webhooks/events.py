"""What may be told, and to whom: deliveries are rows of the transaction in which the event happens."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bithuman_core.service.data.identifiers import identifier
from bithuman_core.service.data.tables import Delivery, Webhook

EVENTS = ("agent.ready", "agent.failed", "agent.deleted", "video.ready", "video.failed")
TEST = "webhook.test"


def emit(session: Session, event: str, data: dict[str, Any], now: float) -> None:
    """Have everybody told who wants to know."""
    for hook in session.scalars(select(Webhook).where(Webhook.active)):
        if not hook.events or event in hook.events:
            session.add(delivery(hook.id, event, data, now))


def delivery(webhook_id: str, event: str, data: dict[str, Any], now: float) -> Delivery:
    """One event for one address."""
    number = identifier("evt_")
    content = {"id": number, "event": event, "created": int(now), "data": data}
    return Delivery(
        id=number, webhook_id=webhook_id, event=event, content=content, status="queued", tries=0, due=now, answer=None,
        error=None, created=now, updated=now,
    )  # fmt: skip

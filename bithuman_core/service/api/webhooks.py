"""``/v1/webhooks``: addresses that are told of events, and what became of each delivery."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bithuman_core.service.api.access import Builder
from bithuman_core.service.api.models import Answer, Done, told
from bithuman_core.service.context import InService
from bithuman_core.service.data.identifiers import identifier
from bithuman_core.service.data.tables import Delivery, Webhook
from bithuman_core.service.errors import Invalid, NotFound
from bithuman_core.service.secrets.audit import note
from bithuman_core.service.webhooks.events import TEST, delivery
from bithuman_core.service.webhooks.signature import new_key

router = APIRouter(tags=["webhooks"])

Event = Literal["agent.ready", "agent.failed", "agent.deleted", "video.ready", "video.failed"]
WebhookId = Annotated[str, InPath(pattern=r"^[\w-]{1,40}$", examples=["hook_0123456789abcdef01234567"])]
NO_SUCH = "There is no such webhook: GET /v1/webhooks lists them."


class NewWebhook(BaseModel):
    """Which address wants to know what; no events: all of them."""

    url: str = Field(min_length=8, max_length=2048, examples=["https://example.com/hook"])
    events: list[Event] = Field(default=[], max_length=20)
    description: str = Field("", max_length=200)
    active: bool = True


class ChangedWebhook(BaseModel):
    """What is to be different; the rest stays."""

    url: str | None = Field(None, min_length=8, max_length=2048)
    events: list[Event] | None = Field(None, max_length=20)
    description: str | None = Field(None, max_length=200)
    active: bool | None = None


class WebhookCard(BaseModel):
    """A webhook without its key."""

    id: str
    url: str
    events: list[str]
    description: str
    active: bool
    created_at: str


class ShownWebhook(WebhookCard):
    """The same with the key that signs its deliveries, this once."""

    secret: str


class DeliveryCard(BaseModel):
    """A delivery. ``status``: queued, running, done or failed."""

    id: str
    event: str
    status: str
    tries: int
    response_status: int | None
    error_message: str | None
    created_at: str
    updated_at: str


class Sent(BaseModel):
    """A test is on its way."""

    success: bool = True
    delivery_id: str


@router.post("/v1/webhooks", summary="Have an address told of events")
def create_webhook(service: InService, holder: Builder, new: NewWebhook) -> Answer[ShownWebhook]:
    """The key that signs its deliveries is shown this once."""
    url, now = _checked(service, new.url), service.now()
    with service.database.writing() as session:
        if (session.scalar(select(func.count()).select_from(Webhook)) or 0) >= service.limits.webhooks:
            raise Invalid(f"There are {service.limits.webhooks} webhooks already: delete one first.")
        row = Webhook(
            id=identifier("hook_"), url=url, events=list(dict.fromkeys(new.events)), description=new.description,
            active=new.active, key=new_key(), secret_id=holder.id, created=now,
        )  # fmt: skip
        session.add(row)
        note(session, now, holder.id, "webhook.create", row.id)
    return Answer(data=ShownWebhook(secret=row.key, **_facts(row)))


@router.get("/v1/webhooks", summary="All webhooks")
def list_webhooks(service: InService, _: Builder) -> Answer[list[WebhookCard]]:
    """The oldest first."""
    with service.database.reading() as session:
        rows = session.scalars(select(Webhook).order_by(Webhook.created, Webhook.id))
        return Answer(data=[WebhookCard(**_facts(row)) for row in rows])


@router.get("/v1/webhooks/{number}", summary="One webhook")
def get_webhook(service: InService, _: Builder, number: WebhookId) -> Answer[WebhookCard]:
    """Without its key."""
    with service.database.reading() as session:
        return Answer(data=WebhookCard(**_facts(_found(session, number))))


@router.patch("/v1/webhooks/{number}", summary="Change a webhook")
def change_webhook(service: InService, holder: Builder, number: WebhookId, change: ChangedWebhook) -> Answer[WebhookCard]:
    """``active: false`` keeps it, and tells it nothing more."""
    url = None if change.url is None else _checked(service, change.url)
    with service.database.writing() as session:
        row = _found(session, number)
        row.url = url or row.url
        row.events = row.events if change.events is None else list(dict.fromkeys(change.events))
        row.description = row.description if change.description is None else change.description
        row.active = row.active if change.active is None else change.active
        note(session, service.now(), holder.id, "webhook.change", number)
        return Answer(data=WebhookCard(**_facts(row)))


@router.delete("/v1/webhooks/{number}", summary="Delete a webhook")
def delete_webhook(service: InService, holder: Builder, number: WebhookId) -> Done:
    """With its log; what is on its way to it is not sent."""
    with service.database.writing() as session:
        session.delete(_found(session, number))
        note(session, service.now(), holder.id, "webhook.delete", number)
    return Done(message="The webhook was deleted.")


@router.post("/v1/webhooks/{number}/test", summary="Send a test")
def send_test(service: InService, _: Builder, number: WebhookId) -> Sent:
    """The event ``webhook.test``; its log tells what became of it."""
    now = service.now()
    with service.database.writing() as session:
        _found(session, number)
        sent = delivery(number, TEST, {"webhook_id": number}, now)
        session.add(sent)
        return Sent(delivery_id=sent.id)


@router.get("/v1/webhooks/{number}/deliveries", summary="What became of deliveries")
def list_deliveries(
    service: InService, _: Builder, number: WebhookId, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> Answer[list[DeliveryCard]]:
    """The latest first; they are kept for thirty days."""
    wanted = select(Delivery).where(Delivery.webhook_id == number).order_by(Delivery.created.desc(), Delivery.id).limit(limit)
    with service.database.reading() as session:
        _found(session, number)
        return Answer(data=[
            DeliveryCard(
                id=row.id, event=row.event, status=row.status, tries=row.tries, response_status=row.answer,
                error_message=row.error, created_at=told(row.created), updated_at=told(row.updated),
            )
            for row in session.scalars(wanted)
        ])  # fmt: skip


def _checked(service: InService, url: str) -> str:
    try:
        return service.sender.check(url)
    except ValueError as error:
        raise Invalid(f"url {error}: give one like https://example.com/hook.") from None


def _found(session: Session, number: str) -> Webhook:
    row = session.get(Webhook, number)
    if row is None:
        raise NotFound(NO_SUCH)
    return row


def _facts(row: Webhook) -> dict[str, Any]:
    return {"id": row.id, "url": row.url, "events": row.events, "description": row.description, "active": row.active,
            "created_at": told(row.created)}  # fmt: skip

"""``/v1/secrets`` and ``/v1/audit``: for whoever runs the service."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from pydantic import BaseModel, Field
from sqlalchemy import select

from bithuman_core.service.api.access import Admin
from bithuman_core.service.api.models import Answer, Done, told
from bithuman_core.service.context import InService
from bithuman_core.service.data.tables import AuditEntry, Secret
from bithuman_core.service.secrets.scopes import Scope
from bithuman_core.service.secrets.store import NAME_LENGTH, PER_DAY, PER_MINUTE, state

router = APIRouter(tags=["secrets"])

DAY_SECONDS = 86_400.0
MOST_DAYS = 36_500
MOST_ASKED = 1_000_000


class NewSecret(BaseModel):
    """What it may, and how long and how often."""

    name: str = Field(min_length=1, max_length=NAME_LENGTH)
    scopes: list[Scope] = Field(default=[Scope.READ, Scope.SPEAK, Scope.BUILD], min_length=1, max_length=len(Scope))
    days: float | None = Field(None, gt=0, le=MOST_DAYS, description="that it lives; left out, until it is revoked")
    per_minute: int = Field(PER_MINUTE, ge=1, le=MOST_ASKED, description="requests")
    per_day: int = Field(PER_DAY, ge=0, le=MOST_ASKED, description="agents and videos that are made")


class SecretCard(BaseModel):
    """A secret without itself. ``state``: valid, expired or revoked."""

    id: str
    name: str
    state: str
    scopes: list[str]
    per_minute: int
    per_day: int
    created_at: str
    expires_at: str | None


class ShownSecret(SecretCard):
    """The same with itself, this once."""

    secret: str


class AuditLine(BaseModel):
    """Who did what."""

    at: str
    secret_id: str | None
    action: str
    target: str
    outcome: str


@router.get("/v1/secrets", summary="All secrets, without themselves")
def list_secrets(service: InService, _: Admin) -> Answer[list[SecretCard]]:
    """The oldest first."""
    return Answer(data=[SecretCard(**_facts(row, service.now())) for row in service.secrets.all()])


@router.post("/v1/secrets", summary="Make a secret")
def create_secret(service: InService, holder: Admin, new: NewSecret) -> Answer[ShownSecret]:
    """It is shown this once: only its hash is kept."""
    seconds = None if new.days is None else new.days * DAY_SECONDS
    secret, row = service.secrets.create(
        new.name, [scope.value for scope in new.scopes], seconds=seconds, per_minute=new.per_minute, per_day=new.per_day,
        by=holder.id,
    )  # fmt: skip
    return Answer(data=ShownSecret(secret=secret, **_facts(row, service.now())))


@router.delete("/v1/secrets/{number}", summary="Revoke a secret")
def revoke_secret(service: InService, holder: Admin, number: Annotated[str, InPath(pattern=r"^[0-9a-f]{12}$")]) -> Done:
    """With the next request it is valid no more."""
    service.secrets.revoke(number, by=holder.id)
    return Done(message="The secret is valid no more.")


@router.get("/v1/audit", summary="Who did what")
def read_audit(
    service: InService, _: Admin, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Answer[list[AuditLine]]:
    """The latest first."""
    with service.database.reading() as session:
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit))
        return Answer(data=[
            AuditLine(at=told(row.at), secret_id=row.secret_id, action=row.action, target=row.target, outcome=row.outcome)
            for row in rows
        ])  # fmt: skip


def _facts(row: Secret, now: float) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "state": state(row, now), "scopes": row.scopes, "per_minute": row.per_minute,
            "per_day": row.per_day, "created_at": told(row.created),
            "expires_at": None if row.expires is None else told(row.expires)}  # fmt: skip

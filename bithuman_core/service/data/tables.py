"""The tables. Times are Unix seconds (UTC); codes and ids are made by ``identifiers``. No table holds a secret in the clear but
``keys`` and ``webhooks``, whose keys must be had again to sign."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Double, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Table(DeclarativeBase):
    """Base of all tables."""

    type_annotation_map = {float: Double, dict[str, Any]: JSON, list[str]: JSON}  # noqa: RUF012  # SQLAlchemy's own name


class Key(Table):
    """A key of the installation itself, made at its first start: what runtime tokens are signed with."""

    __tablename__ = "keys"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[str] = mapped_column(String(128))


class Secret(Table):
    """An API secret: its hash, what it may, and until when."""

    __tablename__ = "secrets"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    hash: Mapped[str] = mapped_column(String(200))
    scopes: Mapped[list[str]]
    created: Mapped[float]
    expires: Mapped[float | None]
    revoked: Mapped[float | None]
    per_minute: Mapped[int]
    """Requests."""
    per_day: Mapped[int]
    """Agents and videos that are made."""


class Usage(Table):
    """How much of something a secret has taken in a stretch of time."""

    __tablename__ = "usage"

    secret_id: Mapped[str] = mapped_column(ForeignKey("secrets.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    begin: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    """Unix seconds, of the stretch."""
    amount: Mapped[int]


class AuditEntry(Table):
    """Who did what, and how it went. No secrets, no texts that people wrote."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[float] = mapped_column(index=True)
    secret_id: Mapped[str | None] = mapped_column(String(16))
    action: Mapped[str] = mapped_column(String(64))
    target: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(String(64))


class Blob(Table):
    """A file in the storage, and by how many rows it is used; the last one takes it along."""

    __tablename__ = "blobs"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    uses: Mapped[int]


class Upload(Table):
    """A file that a client sent."""

    __tablename__ = "uploads"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"))
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(16))
    """image, video, audio, avatar or other."""
    size: Mapped[int] = mapped_column(BigInteger)
    secret_id: Mapped[str] = mapped_column(String(16))
    created: Mapped[float] = mapped_column(index=True)


class Agent(Table):
    """An avatar with a name and a persona."""

    __tablename__ = "agents"
    __table_args__ = (Index("agents_by_age", "created", "code"),)

    code: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    prompt: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16))
    error: Mapped[str | None] = mapped_column(Text)
    consent: Mapped[str | None] = mapped_column(Text)
    notes: Mapped[list[str]]
    model: Mapped[str | None] = mapped_column(ForeignKey("blobs.sha256"))
    still: Mapped[str | None] = mapped_column(ForeignKey("blobs.sha256"))
    embed_origins: Mapped[list[str]] = mapped_column(default=list)
    """Sites whose pages may show it to everybody."""
    secret_id: Mapped[str] = mapped_column(String(16))
    created: Mapped[float]
    updated: Mapped[float]


class Job(Table):
    """Work that takes seconds or minutes. Whoever holds its lease works on it; one whose lease has run out is anybody's."""

    __tablename__ = "jobs"
    __table_args__ = (Index("jobs_to_do", "status", "due"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    """agent or video."""
    agent_code: Mapped[str] = mapped_column(ForeignKey("agents.code", ondelete="CASCADE"), index=True)
    given: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(String(16))
    """queued, running, done or failed."""
    tries: Mapped[int]
    due: Mapped[float]
    """When it may begin; of a running one, when its lease runs out."""
    holder: Mapped[str | None] = mapped_column(String(32))
    stage: Mapped[str] = mapped_column(String(64))
    share: Mapped[float]
    """Of the work that is done, 0..1."""
    error: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str | None] = mapped_column(ForeignKey("blobs.sha256"))
    """A photo, clip or sound; it goes when the job is over."""
    result: Mapped[str | None] = mapped_column(ForeignKey("blobs.sha256"))
    secret_id: Mapped[str] = mapped_column(String(16))
    created: Mapped[float]
    updated: Mapped[float]


class Webhook(Table):
    """An address that is told of events."""

    __tablename__ = "webhooks"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    url: Mapped[str] = mapped_column(String(2048))
    events: Mapped[list[str]]
    """Empty: all."""
    description: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool]
    key: Mapped[str] = mapped_column(String(128))
    secret_id: Mapped[str] = mapped_column(String(16))
    created: Mapped[float]


class Delivery(Table):
    """An event on its way to an address, or what became of it."""

    __tablename__ = "deliveries"
    __table_args__ = (Index("deliveries_to_do", "status", "due"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"), index=True)
    event: Mapped[str] = mapped_column(String(32))
    content: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(String(16))
    """queued, running, done or failed."""
    tries: Mapped[int]
    due: Mapped[float]
    answer: Mapped[int | None]
    """HTTP status."""
    error: Mapped[str | None] = mapped_column(Text)
    created: Mapped[float]
    updated: Mapped[float]


class Live(Table):
    """An avatar that is live somewhere, or was; one not heard of for a while (see ``live.is_live``) is not there any more."""

    __tablename__ = "live_sessions"
    __table_args__ = (Index("live_sessions_now", "agent_code", "ended_at", "seen_at"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    agent_code: Mapped[str | None] = mapped_column(ForeignKey("agents.code", ondelete="CASCADE"))
    """Null for an avatar in a room that is no agent of the service."""
    kind: Mapped[str] = mapped_column(String(16))
    """room (LiveKit) or embed (a page of another site)."""
    room: Mapped[str | None] = mapped_column(String(256))
    """Of a room, its name."""
    origin: Mapped[str | None] = mapped_column(String(300))
    """Of an embed, the site that shows it."""
    process: Mapped[str] = mapped_column(String(64))
    """Which of the installation's processes shows it: the machine's name, and a part that is new at each start."""
    started_at: Mapped[float] = mapped_column(index=True)
    seen_at: Mapped[float]
    ended_at: Mapped[float | None]
    """Null while it is live; where its process died, when it was seen last."""
    state: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What another process needs to go on with it: its manner, what it is to know, what it is saying and how far; some 1 kB."""


class Message(Table):
    """What a live avatar is to say or to know; whoever shows it takes it."""

    __tablename__ = "messages"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    live_id: Mapped[str] = mapped_column(ForeignKey("live_sessions.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    """speak or add_context."""
    text: Mapped[str] = mapped_column(Text)
    created: Mapped[float]

"""Live avatars of every kind in one table, with their beginning and end, in place of those in rooms alone.

What was live when the service was stopped is not, so that no row has to be carried over.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _drop("live", "ix_live_agent_code")
    op.create_table(
        "live_sessions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("agent_code", sa.String(length=32), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("room", sa.String(length=256), nullable=True),
        sa.Column("origin", sa.String(length=300), nullable=True),
        sa.Column("process", sa.String(length=64), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["agent_code"], ["agents.code"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_live_sessions_started_at", "live_sessions", ["started_at"], unique=False)
    op.create_index("live_sessions_now", "live_sessions", ["agent_code", "ended_at", "seen_at"], unique=False)
    _make_messages("live_sessions")


def downgrade() -> None:
    _drop("live_sessions", "live_sessions_now", "ix_live_sessions_started_at")
    op.create_table(
        "live",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("agent_code", sa.String(length=32), nullable=False),
        sa.Column("room", sa.String(length=256), nullable=False),
        sa.Column("began", sa.Double(), nullable=False),
        sa.Column("seen", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["agent_code"], ["agents.code"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_live_agent_code", "live", ["agent_code"], unique=False)
    _make_messages("live")


def _drop(live: str, *indexes: str) -> None:
    op.drop_index("ix_messages_live_id", table_name="messages")
    op.drop_table("messages")
    for index in indexes:
        op.drop_index(index, table_name=live)
    op.drop_table(live)


def _make_messages(live: str) -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("live_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["live_id"], [f"{live}.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_messages_live_id", "messages", ["live_id"], unique=False)

"""What another process needs to go on with a live avatar.

Revision ID: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("live_sessions", sa.Column("state", sa.JSON(), nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("live_sessions", "state")

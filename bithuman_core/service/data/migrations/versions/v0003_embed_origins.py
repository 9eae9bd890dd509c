"""The sites for which an agent is published.

Revision ID: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("agents", sa.Column("embed_origins", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("agents", "embed_origins")  # not in a batch: on SQLite that makes the table anew, and takes its jobs along

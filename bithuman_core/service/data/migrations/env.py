"""Alembic's entry: runs the migrations on the connection that ``Database`` hands on."""

from __future__ import annotations

from alembic import context

from bithuman_core.service.data.tables import Table

# batch: SQLite changes a table by making it anew
context.configure(connection=context.config.attributes["connection"], target_metadata=Table.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()

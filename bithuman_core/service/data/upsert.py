"""Counting up a row that may not be there yet, in one statement that two processes can do at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bithuman_core.service.data.tables import Table


def insert_or_add(session: Session, table: type[Table], row: Mapping[str, Any], key: Sequence[str], count: str) -> int:
    """Insert a row, or add its ``count`` to that of the row with the same key; the count that is there now."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    column = getattr(table, count)
    statement = insert(table).values(**row)
    counted = statement.on_conflict_do_update(index_elements=list(key), set_={count: column + statement.excluded[count]})
    return session.execute(counted.returning(column)).scalar_one()

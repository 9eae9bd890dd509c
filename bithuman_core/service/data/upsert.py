"""Changing a row that may not be there yet, in one statement that two processes can do at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import case
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


def insert_or_greatest(
    session: Session, table: type[Table], row: Mapping[str, Any], key: Sequence[str], columns: Sequence[str]
) -> None:
    """Insert a row; where one with the same key is there, each of ``columns`` keeps the greater value."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(table).values(**row)
    given = {name: (getattr(table, name), statement.excluded[name]) for name in columns}
    greater = {name: case((there > new, there), else_=new) for name, (there, new) in given.items()}
    session.execute(statement.on_conflict_do_update(index_elements=list(key), set_=greater))

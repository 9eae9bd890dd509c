"""A whole installation as one file (tar), and back: to another machine, from SQLite to PostgreSQL, or as a backup."""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa
from sqlalchemy import insert, select

from bithuman_core.errors import Failed
from bithuman_core.files import replacing
from bithuman_core.service.data.database import Database, newest_revision
from bithuman_core.service.data.tables import Agent, Blob, Live, Message, Secret, Table
from bithuman_core.service.storage import Storage

TABLES, FILES = "tables.json", "files/"
FILE = re.compile(rf"{FILES}([0-9a-f]{{64}})")
LEFT_OUT = (Live.__tablename__, Message.__tablename__)  # of the moment
ROWS_AT_ONCE = 500
PIECE = 2**20  # bytes
NOT_OURS = "{name!r} is not an export of bithuman-core serve, or is damaged: export it again."
OTHER_VERSION = "{name!r} was written by another version of bithuman-core ({revision}, here {here}): export it with this one."
NOT_EMPTY = "There is an installation already: import into an empty one (another --folder or --database)."


def export_to(path: Path, database: Database, storage: Storage) -> int:
    """Write the installation to a file that this user alone can read; how many files it holds.

    Requests may go on meanwhile; what they change is not in it. Raises ServiceError, OSError. Nothing half-written is left.
    """
    with replacing(path) as temporary, database.reading() as session:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # it holds the keys that sign tokens
        rows = {
            table.name: [dict(row) for row in session.execute(select(*_columns(table))).mappings()]
            for table in Table.metadata.sorted_tables
            if table.name not in LEFT_OUT
        }
        with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w") as tar:
            said = json.dumps({"revision": newest_revision(), "tables": rows}).encode()
            _add(tar, TABLES, io.BytesIO(said), len(said))
            for blob in rows[Blob.__tablename__]:
                with storage.open(blob["sha256"]) as content:
                    _add(tar, FILES + blob["sha256"], content, blob["size"])
    return len(rows[Blob.__tablename__])


def import_from(path: Path, database: Database, storage: Storage) -> int:
    """Fill an empty installation; how many files that were. All of it, or nothing but files that no row names.

    Raises Failed where the file is none, and where the installation is not empty.
    """
    with database.reading() as session:
        if session.scalar(select(Secret.id).limit(1)) or session.scalar(select(Agent.code).limit(1)):
            raise Failed(NOT_EMPTY)
    with _opened(path) as tar:
        said = _said(tar, path)
        if said.get("revision") != newest_revision():
            raise Failed(OTHER_VERSION.format(name=path.name, revision=said.get("revision"), here=newest_revision()))
        wanted = {blob["sha256"] for blob in said["tables"][Blob.__tablename__]}
        with database.writing() as session:
            for table in Table.metadata.sorted_tables:
                rows = said["tables"].get(table.name, [])
                for begin in range(0, len(rows), ROWS_AT_ONCE):
                    session.execute(insert(table), rows[begin : begin + ROWS_AT_ONCE])
            for member in iter(tar.next, None):
                found = FILE.fullmatch(member.name)
                content = tar.extractfile(member)
                if found is None or content is None:
                    raise Failed(NOT_OURS.format(name=path.name))
                _bring(storage, found[1], content, path)
                wanted.discard(found[1])
            if wanted:
                raise Failed(NOT_OURS.format(name=path.name))
    return len(said["tables"][Blob.__tablename__])


def _columns(table: sa.Table) -> list[sa.Column[Any]]:
    """Without numbers that the database counts itself."""
    counted = table.autoincrement_column
    return [column for column in table.columns if column is not counted or not isinstance(column.type, sa.Integer)]


def _bring(storage: Storage, sha256: str, content: Any, path: Path) -> None:
    with tempfile.NamedTemporaryFile() as copy:
        while piece := content.read(PIECE):
            copy.write(piece)
        copy.flush()
        with storage.bringing(Path(copy.name)) as coming:
            if coming.sha256 != sha256:
                raise Failed(NOT_OURS.format(name=path.name))
            storage.place(coming)


def _add(tar: tarfile.TarFile, name: str, content: BinaryIO, size: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    tar.addfile(member, content)


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, "r|") as tar:
            yield tar
    except (tarfile.TarError, EOFError, KeyError, TypeError, ValueError) as error:
        raise Failed(NOT_OURS.format(name=path.name)) from error


def _said(tar: tarfile.TarFile, path: Path) -> dict[str, Any]:
    first = tar.next()
    content = tar.extractfile(first) if first is not None and first.name == TABLES else None
    if content is None:
        raise Failed(NOT_OURS.format(name=path.name))
    said = json.load(content)
    if not isinstance(said, dict) or not isinstance(said.get("tables"), dict):
        raise Failed(NOT_OURS.format(name=path.name))
    return said

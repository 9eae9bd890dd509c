"""The database: SQLite in a file, or PostgreSQL by its URL; transactions, and its schema brought up to date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import URL, Connection, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, InterfaceError, InternalError, OperationalError, TimeoutError
from sqlalchemy.orm import Session

from bithuman_core.errors import Failed
from bithuman_core.service.errors import Unavailable

MIGRATIONS = Path(__file__).parent / "migrations"
AWAY = "The database does not answer: try again in a minute."
BUSY_SECONDS = 10.0  # that SQLite waits for another writer, and a thread for a connection
CONNECT_SECONDS = 5
BRIEF_SECONDS = 1.25
BRIEF = text(f"SET LOCAL idle_in_transaction_session_timeout = {round(1000 * BRIEF_SECONDS)}")
LOCKED_SECONDS = 10  # that anybody waits for rows of another transaction
# The same two ways: a client that is gone without a word loses its connection, and with it what it holds, in some ten seconds.
SERVER_SIDE = (
    f"SET lock_timeout = '{LOCKED_SECONDS}s'; "
    "SET tcp_keepalives_idle = 4; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3"
)
# libpq's: a server whose network or machine is gone says nothing, and Linux itself would wait a quarter of an hour for an answer
HANGS = {
    "connect_timeout": CONNECT_SECONDS, "tcp_user_timeout": 1000 * CONNECT_SECONDS,
    "keepalives_idle": 2, "keepalives_interval": 1, "keepalives_count": 3,
}  # fmt: skip
CONNECTIONS = 20  # kept open to a server; as many more for a moment: a process has 40 threads for requests
LOCK = 0x62697468  # PostgreSQL's advisory lock of whoever migrates ("bith")


class Database:
    """Sessions of one database. All of it blocks: use it in threads."""

    def __init__(self, url: str) -> None:
        """url: ``sqlite:////path/to/file.db`` or ``postgresql://user:password@host/name``. Raises Failed for anything else."""
        try:
            self._url = _with_driver(make_url(url))
        except ArgumentError:
            raise Failed(
                "The database's URL cannot be read: give sqlite:////path/file.db or postgresql://user@host/name."
            ) from None
        if self._url.get_backend_name() == "sqlite":
            self.engine = create_engine(self._url, connect_args={"timeout": BUSY_SECONDS})
            event.listen(self.engine, "connect", _set_up_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            self.engine = create_engine(
                self._url, pool_pre_ping=True, pool_size=CONNECTIONS, max_overflow=CONNECTIONS, pool_timeout=BUSY_SECONDS,
                connect_args=HANGS,
            )  # fmt: skip
            event.listen(self.engine, "connect", _set_up_postgresql)
        self._writing = self.engine.execution_options(write=True)

    @property
    def place(self) -> str:
        """Where it is, without the password."""
        return self._url.render_as_string(hide_password=True)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that changes nothing. Raises Unavailable."""
        with _told_apart(), Session(self.engine) as session:
            yield session

    @contextmanager
    def writing(self, *, brief: bool = False) -> Iterator[Session]:
        """A session that is committed at the end of the block, and forgotten where it raises. Raises Unavailable.

        brief: the block does nothing beside it, and others wait for its rows: a process that falls silent in it, as one does
        whose network is cut off, loses them after BRIEF_SECONDS. On SQLite a session has the write lock from its beginning: what
        it has read stays true.
        """
        with _told_apart(), Session(self._writing, expire_on_commit=False) as session, session.begin():
            if brief and self._url.get_backend_name() != "sqlite":
                session.execute(BRIEF)
            yield session

    def upgrade(self, revision: str = "head") -> None:
        """Bring the schema up to date; of several processes one does it. Raises Failed for one of a newer version."""
        with _told_apart(), self._writing.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SET LOCAL lock_timeout = 0"))  # whoever does it may take a while
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            try:
                command.upgrade(_config(connection), revision)
            except CommandError as error:
                raise Failed(
                    f"The database {self.place} was written by a newer version of bithuman-core: install that one."
                ) from error

    def downgrade(self, revision: str) -> None:
        """Take the schema back, for whoever goes back to an older version."""
        with _told_apart(), self._writing.begin() as connection:
            command.downgrade(_config(connection), revision)

    def close(self) -> None:
        """Close its connections."""
        self.engine.dispose()


def newest_revision() -> str:
    """The name of the schema that this version knows."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head() or ""


def _with_driver(url: URL) -> URL:
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database not in (None, "", ":memory:"):
        return url
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    raise ArgumentError("another kind of database")


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where SQLAlchemy says so, not where Python's driver guesses
    # WAL: readers and the writer do not wait for each other. NORMAL: a power cut may take the last moment, but breaks nothing.
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _set_up_postgresql(connection: Any, _record: Any) -> None:
    connection.execute(SERVER_SIDE)
    connection.commit()


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


@contextmanager
def _told_apart() -> Iterator[None]:
    """What is the database's fault, in one sentence; its own would name its host and its statements."""
    try:
        yield
    except (OperationalError, InterfaceError, TimeoutError, InternalError) as error:
        raise Unavailable(AWAY, retry=5) from error

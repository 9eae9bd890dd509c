"""A database of either kind, empty and of the newest schema, and a clock that stands until it is told to go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins import need

need("sqlalchemy", "alembic", "argon2", "jwt", "fsspec", "prometheus_client", "fastapi")

from sqlalchemy import make_url, text  # noqa: E402

from bithuman_core.service.context import Service  # noqa: E402
from bithuman_core.service.data.database import Database  # noqa: E402
from tests.service.postgres import MISSING, Server, find_postgres, running  # noqa: E402
from tests.service.serving import ALL, Client, make_service  # noqa: E402

NOON = 1_700_000_000.0  # Unix seconds; not the beginning of a minute


class Clock:
    """Unix seconds that a test decides about."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A real PostgreSQL."""
    programs = find_postgres()
    if programs is None:
        pytest.skip(MISSING)
    pytest.importorskip("psycopg")
    with running(programs) as server:
        yield server


def new_database(server: Server, name: str) -> str:
    """The URL of an empty database of a server."""
    owner = Database(server.url)
    with owner.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    owner.close()
    return make_url(server.url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'service.db'}"
    return new_database(request.getfixturevalue("postgres"), "each")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """One that is up to date, of each kind."""
    made = Database(database_url)
    made.upgrade()
    yield made
    made.close()


@pytest.fixture
def service(tmp_path: Path, clock: Clock) -> Iterator[Service]:
    """One on SQLite; its jobs are done when a test says so."""
    made = make_service(f"sqlite:///{tmp_path / 'service.db'}", tmp_path / "files", clock)
    yield made
    made.close()


@pytest.fixture
def client(service: Service) -> Client:
    """Asks it with a secret that may everything."""
    return Client(service, service.secrets.create("tests", ALL, per_minute=10_000)[0])

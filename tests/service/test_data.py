"""The database: its schema up and down on both kinds, and what happens where it is away."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select

from bithuman_core.errors import Failed
from bithuman_core.service.data.database import AWAY, Database
from bithuman_core.service.data.identifiers import agent_code
from bithuman_core.service.data.tables import Agent, Job, Key, Table
from bithuman_core.service.errors import Unavailable
from tests.service.conftest import new_database
from tests.service.postgres import Server


def test_the_migrations_make_the_tables_and_take_them_back(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == [], "the newest schema is that of the tables"
    database.downgrade("base")
    assert inspect(database.engine).get_table_names() == ["alembic_version"]
    database.upgrade()
    assert set(Table.metadata.tables) < set(inspect(database.engine).get_table_names())


def test_going_back_a_version_keeps_agents_and_their_jobs(database: Database) -> None:
    with database.writing() as session:
        agent = {"code": "A12ABC3456", "name": "Mara", "prompt": "", "status": "ready", "notes": [], "secret_id": "s"}
        session.add(Agent(**agent, created=1, updated=1))
        session.flush()
        session.add(
            Job(id="job", kind="agent", agent_code="A12ABC3456", given={}, status="done", tries=1, due=1, stage="", share=1,
                secret_id="s", created=1, updated=1)
        )  # fmt: skip
    for revision in ("0002", "0001"):
        database.downgrade(revision)
        database.upgrade()
        with database.reading() as session:
            assert session.get_one(Agent, "A12ABC3456").embed_origins == [] and session.get_one(Job, "job").share == 1


def test_many_processes_start_on_an_empty_database(database_url: str) -> None:
    faults = list[BaseException]()

    def start() -> None:
        own = Database(database_url)
        try:
            own.upgrade()
        except BaseException as error:  # noqa: BLE001  # whatever it is, the test shows it
            faults.append(error)
        own.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_a_block_that_raises_leaves_nothing(database: Database) -> None:
    with pytest.raises(KeyError), database.writing() as session:
        session.add(Key(name="half", value="v"))
        session.flush()
        raise KeyError
    with database.reading() as session:
        assert session.scalar(select(Key)) is None


def test_a_newer_database_is_not_touched(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Failed, match="newer version"):
        database.upgrade()


def test_a_database_that_is_away_is_back_by_itself(postgres: Server) -> None:
    database = Database(new_database(postgres, "comes_back"))
    database.upgrade()
    with database.reading() as session:
        assert session.scalar(select(Key)) is None
    postgres.stop()
    try:
        for block in (database.reading, database.writing):
            with pytest.raises(Unavailable) as caught, block() as session:
                session.scalar(select(Key))
            assert caught.value.message == AWAY, "nothing of its host or statements"
    finally:
        postgres.start()
    with database.writing() as session:
        session.add(Key(name="back", value="v"))
    database.close()


def test_who_falls_silent_in_a_brief_transaction_loses_its_rows(postgres: Server) -> None:
    """As a process does whose network is cut off: the server hears nothing of it, and others wait for what it has locked."""
    url = new_database(postgres, "silent")
    silent, other = Database(url), Database(url)
    silent.upgrade()
    with silent.writing() as session:
        session.add(Key(name="one", value="first"))
    with pytest.raises(Unavailable), silent.writing(brief=True) as session:
        session.get_one(Key, "one", with_for_update=True).value = "silent"
        session.flush()
        with other.writing(brief=True) as another:
            another.get_one(Key, "one", with_for_update=True).value = "other"
    with silent.reading() as session:
        assert session.get_one(Key, "one").value == "other"
    silent.close()
    other.close()


@pytest.mark.parametrize("url", ["", "mysql://u:hidden@h/d", "sqlite://", "sqlite:///:memory:", "no url", "postgresql"])
def test_other_urls_get_a_sentence(url: str) -> None:
    with pytest.raises(Failed, match="give sqlite") as caught:
        Database(url)
    assert "hidden" not in str(caught.value)


def test_a_password_is_not_told(tmp_path: Path) -> None:
    assert "hidden" not in Database("postgresql://me:hidden@127.0.0.1:1/x").place
    with pytest.raises(Unavailable) as caught:
        Database("postgresql://me:hidden@127.0.0.1:1/x").upgrade()
    assert "hidden" not in str(caught.value)
    with pytest.raises(Unavailable):
        Database(f"sqlite:///{tmp_path / 'nowhere' / 'service.db'}").upgrade()


def test_codes_are_those_that_users_know() -> None:
    codes = {agent_code() for _ in range(200)}
    assert len(codes) == 200 and all(re.fullmatch(r"A\d{2}[A-Z]{3}\d{4}", code) for code in codes)

"""API secrets: what they may, when they end, and that nothing of them is left anywhere."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from bithuman_core.service.data.database import Database
from bithuman_core.service.data.tables import AuditEntry, Table, Usage
from bithuman_core.service.errors import Forbidden, Invalid, MissingAuth, NotFound, RateLimited, ServiceError, Unauthorized
from bithuman_core.service.secrets import hashing, quotas
from bithuman_core.service.secrets.scopes import Scope, may
from bithuman_core.service.secrets.store import Secrets
from tests.service.conftest import Clock

DAY = 86_400.0
SECRET = "bhc_0123456789ab_" + "aZ09-_xyz" * 4 + "1234567"


@pytest.fixture
def secrets(database: Database, clock: Clock) -> Secrets:
    return Secrets(database, clock)


def test_a_secret_is_known_and_revoked_at_once_everywhere(secrets: Secrets, database: Database, clock: Clock) -> None:
    secret, row = secrets.create("website", ["read", "Build", "read"])
    other = Secrets(database, clock)  # another process
    for each in (secrets, other):
        assert each.admit(secret, Scope.READ).scopes == ("read", "build")
    secrets.revoke(row.id)
    for each in (secrets, other):
        with pytest.raises(Unauthorized, match="revoked"):
            each.admit(secret, Scope.READ)
    with pytest.raises(NotFound):
        secrets.revoke("000000000000")


def test_a_secret_ends_when_it_was_said_to(secrets: Secrets, clock: Clock) -> None:
    secret, _ = secrets.create("a day", ["read"], seconds=DAY)
    clock.now += DAY - 1
    secrets.admit(secret, Scope.READ)
    clock.now += 1
    with pytest.raises(Unauthorized, match="expired"):
        secrets.admit(secret, Scope.READ)


def test_a_scope_is_that_scope_and_no_other(secrets: Secrets) -> None:
    for given_scope in Scope:
        secret, _ = secrets.create("one", [given_scope.value])
        for wanted in Scope:
            if given_scope in (wanted, Scope.ADMIN):
                secrets.admit(secret, wanted)
            else:
                with pytest.raises(Forbidden, match=wanted.value):
                    secrets.admit(secret, wanted)


def test_wrong_secrets_are_all_told_the_same(secrets: Secrets) -> None:
    secret, row = secrets.create("right", ["read"])
    foreign, _ = secrets.create("other", ["read"])
    mixed = f"{hashing.PREFIX}_{row.id}_{foreign.rsplit('_', 1)[1]}"
    wrong = [mixed, secret[:-1], secret + "x", "bhc_000000000000_" + "a" * 43, "nonsense", "\x00", secret.upper()]
    told = set()
    for each in wrong:
        with pytest.raises(Unauthorized) as caught:
            secrets.admit(each, Scope.READ)
        told.add(caught.value.message)
    assert len(told) == 1
    for nothing in (None, ""):
        with pytest.raises(MissingAuth):
            secrets.admit(nothing, Scope.READ)


@given(st.text(min_size=1), st.booleans())
def test_a_secret_with_anything_about_it_is_none(text: str, before: bool) -> None:
    assert hashing.id_of(SECRET) == "0123456789ab"
    assert hashing.id_of(text + SECRET if before else SECRET + text) is None


def test_requests_are_counted_by_all_processes_together(secrets: Secrets, database: Database, clock: Clock) -> None:
    secret, _ = secrets.create("slow", ["read"], per_minute=6)
    other = Secrets(database, clock)
    for each in (secrets, other) * 3:
        each.admit(secret, Scope.READ)
    with pytest.raises(RateLimited, match="6 times a minute") as caught:
        other.admit(secret, Scope.READ)
    assert caught.value.retry is not None and 0 < caught.value.retry <= 60
    clock.now += caught.value.retry
    secrets.admit(secret, Scope.READ)


def test_no_request_is_lost_among_threads(secrets: Secrets, database: Database) -> None:
    secret, row = secrets.create("busy", ["read"])
    secrets.admit(secret, Scope.READ)

    def ask() -> None:
        for _ in range(5):
            secrets.admit(secret, Scope.READ)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        assert session.scalar(select(Usage.amount).where(Usage.secret_id == row.id)) == 21


def test_what_is_made_has_a_quota_and_old_counts_go(secrets: Secrets, database: Database, clock: Clock) -> None:
    _, row = secrets.create("maker", ["build"], per_day=2)
    for _ in range(2):
        with database.writing() as session:
            quotas.take_made(session, row.id, row.per_day, clock.now)
    with pytest.raises(RateLimited, match="2 agents and videos"), database.writing() as session:
        quotas.take_made(session, row.id, row.per_day, clock.now)
    clock.now += 40 * DAY
    with database.writing() as session:
        quotas.take_made(session, row.id, row.per_day, clock.now)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Usage)) == 1


@pytest.mark.parametrize(
    ("name", "scopes", "more"),
    [
        ("", ["read"], {}),
        ("x" * 101, ["read"], {}),
        ("a\nb", ["read"], {}),
        ("a", [], {}),
        ("a", ["root"], {}),
        ("a", ["read"], {"seconds": 0}),
        ("a", ["read"], {"per_minute": 0}),
    ],
)
def test_what_makes_no_sense_is_refused(secrets: Secrets, name: str, scopes: list[str], more: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        secrets.create(name, scopes, **more)
    assert caught.value.message.endswith(".")
    assert secrets.all() == []


def test_a_secret_is_kept_nowhere(secrets: Secrets, database: Database, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        secret, row = secrets.create("website", ["read"])
        secrets.admit(secret, Scope.READ)
        secrets.revoke(row.id)
        with pytest.raises(Unauthorized) as caught:
            secrets.admit(secret, Scope.READ)
    random = secret.split("_", 2)[2]  # which may have more of these
    kept = ""
    with database.engine.connect() as connection:
        for table in Table.metadata.sorted_tables:
            kept += repr(connection.execute(table.select()).all())
    assert row.hash.startswith("$argon2id$") and row.hash in kept
    for place in (kept, caplog.text, str(caught.value), repr(secrets.all())):
        assert random not in place


def test_the_audit_log_tells_who_did_what(secrets: Secrets, database: Database) -> None:
    admin, boss = secrets.create("boss", ["admin"])
    secret, row = secrets.create("website", ["read"], by=boss.id)
    with pytest.raises(Forbidden):
        secrets.admit(secret, Scope.BUILD)
    secrets.revoke(row.id, by=boss.id)
    with pytest.raises(ServiceError):
        secrets.admit(secret, Scope.READ)
    with database.reading() as session:
        told = [(e.secret_id, e.action, e.target, e.outcome) for e in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert told == [
        (None, "secret.create", boss.id, "done"),
        (boss.id, "secret.create", row.id, "done"),
        (row.id, "ask.build", "", "forbidden"),
        (boss.id, "secret.revoke", row.id, "done"),
        (row.id, "ask", "", "revoked"),
    ]
    assert admin and may(["admin"], Scope.SPEAK)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bithuman_core", "secrets", *arguments, "--folder", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_the_command_line_makes_lists_and_revokes(tmp_path: Path) -> None:
    folder = tmp_path / "service"
    made = run(folder, "create", "website", "--scope", "read", "--days", "1")
    assert made.returncode == 0, made.stderr
    secret = made.stdout.strip()
    number = hashing.id_of(secret)
    assert number is not None and secret not in made.stderr
    assert folder.stat().st_mode & 0o077 == 0, "for this user alone"
    listed = run(folder, "list")
    assert f"{number}  valid   read" in listed.stdout and secret not in listed.stdout
    assert run(folder, "revoke", number).returncode == 0
    assert f"{number}  revoked" in run(folder, "list").stdout
    wrong = run(folder, "create", "website", "--scope", "root")
    assert (wrong.returncode, wrong.stdout) == (70, "") and "read, speak, build, admin" in wrong.stderr
    assert run(folder, "revoke", "000000000000").returncode == 70

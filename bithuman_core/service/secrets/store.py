"""The secrets of an installation: made, listed, revoked, and looked up for whoever shows one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import select

from bithuman_core.service.data.database import Database
from bithuman_core.service.data.tables import Secret
from bithuman_core.service.errors import Forbidden, Invalid, MissingAuth, NotFound, Unauthorized
from bithuman_core.service.secrets.audit import note
from bithuman_core.service.secrets.hashing import Verifier, id_of, new_secret
from bithuman_core.service.secrets.quotas import take_request
from bithuman_core.service.secrets.scopes import Scope, may, scopes_of

NAME_LENGTH = 100  # characters
PER_MINUTE, PER_DAY = 600, 100  # of a secret that says nothing else
MISSING = "No API secret came with the request: send it in the header api-secret."
UNKNOWN = "The API secret is not valid: check it, or have another one made (bithuman-core secrets create)."
NO_SUCH = "There is no secret of that id: bithuman-core secrets list shows them."


@dataclass(frozen=True, slots=True)
class Holder:
    """Who asks: the secret's id, what it may, and how much of it."""

    id: str
    scopes: tuple[str, ...]
    per_day: int

    def check(self, scope: Scope) -> None:
        """Raises Forbidden where the secret may not."""
        if not may(self.scopes, scope):
            raise Forbidden(f"This secret has no scope {scope.value!r}: use one that has, or have one made.")


class Secrets:
    """now: Unix seconds. All of it blocks: use it in threads."""

    def __init__(self, database: Database, now: Callable[[], float] = time.time) -> None:
        self._database, self._now, self._verifier = database, now, Verifier()

    def create(
        self,
        name: str,
        scopes: Iterable[str],
        *,
        seconds: float | None = None,
        per_minute: int = PER_MINUTE,
        per_day: int = PER_DAY,
        by: str | None = None,
    ) -> tuple[str, Secret]:
        """A new secret, which is known to nobody after this, and its row. seconds: that it lives. by: whose secret asked for it.

        Raises Invalid with a sentence.
        """
        name = name.strip()
        if not 0 < len(name) <= NAME_LENGTH or not name.isprintable():
            raise Invalid(f"A secret needs a name of 1 to {NAME_LENGTH} characters, by which you know it again.")
        if (seconds is not None and seconds <= 0) or per_minute < 1 or per_day < 0:
            raise Invalid("A secret lives for a while and may ask at least once a minute: give larger numbers.")
        try:
            asked = scopes_of(scopes)
        except ValueError as error:
            raise Invalid(str(error)) from None
        now = self._now()
        number, secret, hashed = new_secret()
        row = Secret(
            id=number, name=name, hash=hashed, scopes=asked, created=now, expires=None if seconds is None else now + seconds,
            revoked=None, per_minute=per_minute, per_day=per_day,
        )  # fmt: skip
        with self._database.writing() as session:
            session.add(row)
            note(session, now, by, "secret.create", number)
        return secret, row

    def all(self) -> list[Secret]:
        """All of them, the oldest first, without the secrets themselves."""
        with self._database.reading() as session:
            rows = list(session.scalars(select(Secret).order_by(Secret.created, Secret.id)))
            session.expunge_all()
            return rows

    def revoke(self, number: str, by: str | None = None) -> None:
        """End a secret at once. Raises NotFound."""
        with self._database.writing() as session:
            row = session.get(Secret, number)
            if row is None:
                raise NotFound(NO_SUCH)
            row.revoked = row.revoked or self._now()
            note(session, self._now(), by, "secret.revoke", number)

    def holder(self, secret: str | None) -> Holder:
        """Who shows this secret; nothing is counted. Raises MissingAuth, Unauthorized."""
        return self._found(secret)[0]

    def admit(self, secret: str | None, scope: Scope) -> Holder:
        """The same for a request: counted, and allowed by the scope. Raises RateLimited and Forbidden, too."""
        holder, per_minute = self._found(secret)
        now = self._now()
        with self._database.writing() as session:
            take_request(session, holder.id, per_minute, now)
            if not may(holder.scopes, scope):
                note(session, now, holder.id, f"ask.{scope.value}", outcome="forbidden")
        holder.check(scope)
        return holder

    def still_may(self, number: str, scope: Scope) -> bool:
        """Whether the secret of an id is valid and has a scope, for whoever has shown it before. Nothing is counted."""
        with self._database.reading() as session:
            row = session.get(Secret, number)
            return row is not None and state(row, self._now()) == "valid" and may(row.scopes, scope)

    def _found(self, secret: str | None) -> tuple[Holder, int]:
        if not secret:
            raise MissingAuth(MISSING)
        number = id_of(secret)
        if number is None:
            raise Unauthorized(UNKNOWN)
        with self._database.reading() as session:
            row = session.get(Secret, number)
            if row is None:
                raise Unauthorized(UNKNOWN)
            holder, per_minute, hashed = Holder(row.id, tuple(row.scopes), row.per_day), row.per_minute, row.hash
            over = state(row, self._now())
        # One sentence for all: whoever guesses learns nothing of what was right once.
        if not self._verifier.is_right(secret, hashed):
            raise Unauthorized(UNKNOWN)
        if over != "valid":
            with self._database.writing() as session:
                note(session, self._now(), number, "ask", outcome=over)
            raise Unauthorized(f"The API secret {'has expired' if over == 'expired' else 'was revoked'}: have another one made.")
        return holder, per_minute


def state(row: Secret, now: float) -> str:
    """valid, expired or revoked."""
    if row.revoked is not None:
        return "revoked"
    return "expired" if row.expires is not None and row.expires <= now else "valid"

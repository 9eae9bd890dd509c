"""Keys of the installation itself, which all its processes share: made by the first one that needs them."""

from __future__ import annotations

import secrets

from sqlalchemy.exc import IntegrityError

from bithuman_core.service.data.database import Database
from bithuman_core.service.data.tables import Key

KEY_BYTES = 32


def installation_key(database: Database, name: str) -> str:
    """64 hexadecimal digits. Blocks: use it in threads. Raises Unavailable."""
    try:
        with database.writing() as session:
            session.add(Key(name=name, value=secrets.token_hex(KEY_BYTES)))
    except IntegrityError:
        pass  # there is one
    with database.reading() as session:
        return session.get_one(Key, name).value

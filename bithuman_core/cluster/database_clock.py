"""One clock for all machines of a cluster: the database's. By it a process is told that another one has died."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import text

from bithuman_core.service.data.database import Database

# PostgreSQL's clock_timestamp() goes on within a transaction, as now() does not.
ASKED = "SELECT extract(epoch FROM clock_timestamp())"


def database_clock(database: Database) -> Callable[[], float]:
    """Unix seconds as the database's machine has them. Asked once: from then on this machine's clock runs as fast.

    SQLite has no other machine. Raises Unavailable.
    """
    if database.engine.dialect.name != "postgresql":
        return time.time
    with database.reading() as session:
        began = time.time()
        theirs = float(session.execute(text(ASKED)).scalar_one())
        ahead = theirs - (began + time.time()) / 2
    return lambda: time.time() + ahead

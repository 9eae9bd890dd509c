"""The service's parts in a process of the cluster."""

from __future__ import annotations

from collections.abc import Callable

from bithuman_core.cluster.database_clock import database_clock
from bithuman_core.cluster.plan import TOUCH_SECONDS, Plan
from bithuman_core.service.context import Service
from bithuman_core.service.data.database import Database
from bithuman_core.service.jobs.loop import JobLoop
from bithuman_core.service.limits import ServiceLimits
from bithuman_core.service.storage import Storage


def open_service(plan: Plan, make_runner: Callable[[Service], JobLoop] | None = None) -> Service:
    """On the database and the storage of all, by the clock of all. Raises Failed, Unavailable."""
    database = Database(plan.database)
    limits = ServiceLimits(fetch_from=plan.fetch_from)
    return Service(
        database, Storage(plan.storage), limits=limits, now=database_clock(database), touch=TOUCH_SECONDS, make_runner=make_runner
    )

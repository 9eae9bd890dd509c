"""What many visitors need, from what one was measured to cost: a simulation second by second.

Visitors come at random (Poisson) and stay for an exponential time. Serve starts processes where more than its target is live,
after a delay; a process needs a while until it has places. Processes die at random. All figures of a process are ``Costs``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bithuman_core.cluster.application import SPARE, UPSCALE_SECONDS
from bithuman_core.cluster.plan import PLACES

VISIT_SECONDS = 300.0  # mean of a visit
HOURS = 3  # simulated: an hour as usual, one in which twice as many come, one as usual
PEAK = 2.0
DEATHS_A_DAY = 0.1  # of a process


@dataclass(frozen=True, slots=True)
class Costs:
    """cores of a live visit, as ``benchmarks/visitors.py`` has it. Of ``benchmarks/cluster.py``: MiB of a process and of each
    visit in it, s until a process has places, s until the visitors of a dead one are live again."""

    cores: float
    process_mib: float
    visit_mib: float
    start_seconds: float
    recovery_seconds: float


@dataclass(frozen=True, slots=True)
class Needed:
    """For so many visitors at once on average: the most at once, processes and cores and memory at that time; shares of visitors
    that found no place at once, and of their time that was lost to deaths; rows written a second."""

    visitors: int
    most: int
    processes: int
    cores: float
    memory_gib: float
    turned_away: float
    lost: float
    writes: float


def simulate(visitors: int, costs: Costs, places: int = PLACES, seed: int = 0) -> Needed:
    """What so many visitors need on average."""
    random = np.random.default_rng(seed)
    target = max(1, math.floor(SPARE * places))
    ready, coming = math.ceil(visitors / target), list[int]()  # processes; seconds at which others are ready
    live, over_since = visitors, 0.0
    most = most_ready = came = away = 0
    lost = lived = 0.0
    for second in range(HOURS * 3600):
        rate = visitors / VISIT_SECONDS * (PEAK if second // 3600 == 1 else 1.0)
        ready += sum(at <= second for at in coming)
        coming = [at for at in coming if at > second]
        deaths = int(random.binomial(ready, DEATHS_A_DAY / 86_400))
        if deaths:
            fallen = min(live, round(deaths * live / ready))
            lost += fallen * costs.recovery_seconds
            ready -= deaths
            coming += [second + round(costs.start_seconds)] * deaths
        live -= int(random.binomial(live, 1 / VISIT_SECONDS))
        arrivals = int(random.poisson(rate))
        room = max(ready * places - live, 0)
        came, away = came + arrivals, away + max(arrivals - room, 0)
        live += min(arrivals, room)
        lived += live
        wanted = math.ceil(live / target)
        over_since = over_since + 1 if wanted > ready + len(coming) else 0.0
        if over_since >= UPSCALE_SECONDS:
            coming += [second + round(costs.start_seconds)] * (wanted - ready - len(coming))
            over_since = 0.0
        most, most_ready = max(most, live), max(most_ready, ready)
    memory = (most_ready * costs.process_mib + most * costs.visit_mib) / 1024
    return Needed(visitors, most, most_ready, most * costs.cores, memory, away / max(came, 1), lost / max(lived, 1), float(most))

"""Twenty kills of each kind: the kill table as a test. ``make test-cluster``."""

from __future__ import annotations

import pytest

from tests.plugins import need

need("ray", "psycopg", "fastrtc")

from benchmarks.cluster import KINDS, gaps_of  # noqa: E402
from tests.cluster.nodes import House  # noqa: E402

KILLS = 20
RECOVERED = {"process with places": 15.0, "node": 15.0}  # s; three times what is promised, on two cores that carry it all


@pytest.mark.cluster_long
@pytest.mark.parametrize("kind", KINDS)
async def test_no_kill_loses_a_visit(home: House, kind: str) -> None:
    gaps = [await gaps_of(home, kind) for _ in range(KILLS)]
    assert all(gap is not None and gap <= RECOVERED.get(kind, 0.0) for gap in gaps), gaps

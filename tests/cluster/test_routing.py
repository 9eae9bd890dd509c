"""Where a visit is sent: never to a process that does not answer, whatever it answered before."""

from __future__ import annotations

import asyncio

import pytest

from tests.plugins import need

need("ray", "fastapi")

from ray.serve._private.common import (  # noqa: E402
    DeploymentHandleSource,
    DeploymentID,
    ReplicaID,
    RequestMetadata,
)
from ray.serve._private.request_router.common import PendingRequest  # noqa: E402

from bithuman_core.cluster.routing import AskFirst  # noqa: E402

STAGE = DeploymentID("stage", "bithuman")


class Process:
    """Stands for a process with three places, as the router sees it; a real one would have to lose its machine each time."""

    max_ongoing_requests, node_id, availability_zone = 3, "", None
    multiplexed_model_ids: frozenset[str] = frozenset()

    def __init__(self, name: str) -> None:
        self.replica_id, self.taken, self.dead = ReplicaID(name, STAGE), 0, False

    async def get_queue_len(self, *, deadline_s: float) -> int:
        if self.dead:
            await asyncio.Event().wait()
        return self.taken


@pytest.fixture
def processes() -> list[Process]:
    return [Process("first"), Process("second")]


@pytest.fixture
async def router(processes: list[Process]) -> AskFirst:
    router = AskFirst(deployment_id=STAGE, handle_source=DeploymentHandleSource.REPLICA, use_replica_queue_len_cache=True)
    router.queue_len_response_deadline_s = 0.02
    router.update_replicas(processes)  # type: ignore[arg-type]
    await asyncio.sleep(0)
    return router


async def chosen(router: AskFirst) -> object:
    about = RequestMetadata(request_id="", internal_request_id="", call_method="visit")
    return await asyncio.wait_for(router._choose_replica_for_request(PendingRequest([], {}, about)), 5)


async def test_a_process_that_no_longer_answers_is_passed_over(processes: list[Process], router: AskFirst) -> None:
    gone, there = processes
    assert {await chosen(router) for _ in range(40)} == {gone, there}
    gone.dead = True
    assert {await chosen(router) for _ in range(20)} == {there}


async def test_the_freer_one_is_taken_by_what_it_says_now(processes: list[Process], router: AskFirst) -> None:
    full, free = processes
    full.taken = 2
    assert {await chosen(router) for _ in range(10)} == {free}
    full.taken, free.taken = 0, 2
    assert {await chosen(router) for _ in range(10)} == {full}

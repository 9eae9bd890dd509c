"""Which process with places is asked for one."""

from __future__ import annotations

from ray.serve._private.request_router.common import PendingRequest
from ray.serve._private.request_router.pow_2_router import PowerOfTwoChoicesRequestRouter
from ray.serve._private.request_router.replica_wrapper import RunningReplica


class AskFirst(PowerOfTwoChoicesRequestRouter):
    """Serve's own way, the freer one of two, but both are asked how many they have, each time.

    Serve remembers their answers for ten seconds, and sends visits to a machine that died meanwhile: that connection breaks after
    a second. Who does not answer the question in a quarter of one is passed over.
    """

    queue_len_response_deadline_s = 0.25  # Serve's own tenth is short for a process whose visits have its core to themselves

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        """See the base class."""
        ranked = await super().choose_replicas(candidate_replicas, pending_request)
        for replica in (each for rank in ranked for each in rank):
            self.replica_queue_len_cache.invalidate_key(replica.replica_id)
        return ranked

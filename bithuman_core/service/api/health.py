"""``/health``, ``/ready`` and ``/metrics``: for load balancers and Prometheus."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Response
from pydantic import BaseModel

from bithuman_core import __version__
from bithuman_core.service.api.access import Reader
from bithuman_core.service.context import InService
from bithuman_core.service.jobs.queue import QUEUED, RUNNING
from bithuman_core.service.metrics import CONTENT_TYPE, KINDS

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The process answers."""

    status: str = "ok"
    version: str = __version__


class Readiness(BaseModel):
    """Database and storage answer."""

    status: str = "ready"


@router.get("/health", summary="Whether the process answers")
async def health() -> Health:
    """Without the database."""
    return Health()


@router.get("/ready", summary="Whether requests can be answered")
def ready_to_serve(service: InService) -> Readiness:
    """503 while the database or the storage is away."""
    service.check()
    return Readiness()


@router.get(
    "/metrics", summary="Figures for Prometheus", response_class=Response,
    responses={200: {"description": "Prometheus's text format", "content": {"text/plain": {"schema": {"type": "string"}}}}},
)  # fmt: skip
def metrics(service: InService, _: Reader) -> Response:
    """Of this process, and the queue of the installation. Prometheus sends the secret as ``authorization: credentials``."""
    for kind in KINDS:
        service.metrics.live(kind, service.live.count(kind))
    queue = service.runner.queue
    figures = {
        "queue": partial(queue.count, QUEUED, RUNNING),
        "jobs_waiting": partial(queue.count, QUEUED),
        "jobs_running": partial(queue.count, RUNNING),
        "agents": service.agents,
    }
    return Response(service.metrics.told(figures), media_type=CONTENT_TYPE)

"""The application as Ray Serve has it: two deployments, made of a plan. KubeRay's ``import_path`` is ``from_arguments`` here."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import fields
from importlib.util import find_spec
from typing import Any, cast

from fastapi import FastAPI
from ray import serve
from ray.serve.handle import DeploymentHandle

from bithuman_core.cluster.embeds import StagedEmbeds
from bithuman_core.cluster.jobs import Dispatcher
from bithuman_core.cluster.opening import open_service
from bithuman_core.cluster.plan import INGRESS, NAME, STAGE, Plan
from bithuman_core.cluster.routing import AskFirst
from bithuman_core.cluster.stage import Stage
from bithuman_core.errors import Failed
from bithuman_core.service.app import service_app
from bithuman_core.service.context import Service
from bithuman_core.service.embed.answers import embed_answers
from bithuman_core.service.settings import DATABASE_URL, STORAGE_URL

# A process that has died is found within a second. One that hangs is found by its pages, and by the rows that it does not write:
# with a timeout of 3 s Serve ended sound ones, with their visits, on machines that were busy for a moment.
HEALTH: dict[str, Any] = {"health_check_period_s": 1.0, "health_check_timeout_s": 15.0}
SPARE = 0.7  # of a process's places that are taken before another one is started: one that dies leaves its visitors a place
MANY = 1000  # requests at once of a process that answers them; most wait for the database or the stage
UPSCALE_SECONDS, DOWNSCALE_SECONDS = 2.0, 300.0


def application(plan: Plan) -> serve.Application:
    """Both deployments, ready for ``serve.run``."""
    stage = cast(serve.Deployment, serve.deployment(Stage)).options(
        name=STAGE,
        ray_actor_options={"num_cpus": plan.cpus},
        max_ongoing_requests=plan.places,
        request_router_config={"request_router_class": AskFirst},
        graceful_shutdown_timeout_s=plan.longest_drain,
        graceful_shutdown_wait_loop_s=1.0,
        **_size(plan),
        **HEALTH,
    )

    def build() -> FastAPI:
        return ingress_app(plan, serve.get_deployment_handle(STAGE, NAME))

    ingress = cast(serve.Deployment, serve.deployment(serve.ingress(build)())).options(
        name=INGRESS,
        num_replicas=plan.ingresses,
        ray_actor_options={"num_cpus": plan.ingress_cpus},
        max_ongoing_requests=MANY,
        **HEALTH,
    )
    return ingress.bind(stage.bind(plan))


def ingress_app(plan: Plan, stage: DeploymentHandle) -> FastAPI:
    """What answers requests: the service's API, with its avatars on the stage and its jobs anywhere."""

    def make_runner(service: Service) -> Dispatcher:
        return Dispatcher(plan, service.database, service.now)

    def make_embeds(service: Service) -> Any:
        return StagedEmbeds(service, stage, embed_answers(), plan.seconds)

    service = open_service(plan, make_runner)
    app = service_app(service, plan.host, plan.hosts, embeds=make_embeds)
    if find_spec("livekit") is not None:
        from bithuman_core.cluster.launch import Launches  # which brings LiveKit along

        app.include_router(Launches(service, stage).router)
    return app


def from_arguments(arguments: Mapping[str, Any]) -> serve.Application:
    """For Serve's own configuration files: the fields of ``Plan``; the database and the storage else of the environment.

    Raises Failed for a field that there is not, or one that is missing.
    """
    known = {field.name for field in fields(Plan)}
    if strange := arguments.keys() - known:
        raise Failed(f"The application has no argument {min(strange)!r}: give some of {', '.join(sorted(known))}.")
    given = {"database": os.environ.get(DATABASE_URL), "storage": os.environ.get(STORAGE_URL), **arguments}
    for name, variable in (("database", DATABASE_URL), ("storage", STORAGE_URL)):
        if not given[name]:
            raise Failed(f"The application needs a {name}: give the argument, or set {variable} on all nodes.")
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    return application(Plan(**given))


def _size(plan: Plan) -> dict[str, Any]:
    """As many processes with places as there are to be, or as live avatars need."""
    if plan.most_workers <= plan.workers:
        return {"num_replicas": plan.workers}
    return {
        "autoscaling_config": {
            "min_replicas": plan.workers,
            "max_replicas": plan.most_workers,
            "target_ongoing_requests": max(1, math.floor(SPARE * plan.places)),
            "upscale_delay_s": UPSCALE_SECONDS,
            "downscale_delay_s": DOWNSCALE_SECONDS,
        }
    }

"""Joining a cluster, or starting one on this machine, and giving it the application."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections import Counter
from typing import Any, cast

import ray
from ray import serve
from ray._private import services  # where Ray keeps what runs on this machine
from ray.serve import RunTarget
from ray.serve.config import HTTPOptions

from bithuman_core.cluster.application import application
from bithuman_core.cluster.plan import INGRESS, NAME, STAGE, Plan
from bithuman_core.cluster_address import AUTO, host_and_port
from bithuman_core.errors import Failed

STORE_BYTES = 100 * 2**20  # of shared memory for Ray's objects; the service has none of any size
UNREACHABLE = "No cluster answers at {address!r}: give the address that `ray start --head` printed, or auto."
BROKE = "The cluster could not start the service: its logs (ray logs) say why."
TAKEN = "A machine of the cluster cannot listen on {host}:{port}: choose another --port or --host."
LOOK_SECONDS = 0.5
CONNECT_SECONDS = 5.0
ONE_MACHINE = "A cluster of several machines needs a database that all of them reach: give --database postgresql://user@host/name."


def join(address: str) -> bool:
    """Reach the cluster at an address; ``auto``: the one that runs on this machine, else a new one. Returns whether it is new.

    A new one is open to this machine alone. Raises Failed.
    """
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    there = _running_here() if address == AUTO else address
    if there is None:
        ray.init("local", include_dashboard=False, object_store_memory=STORE_BYTES, _node_ip_address="127.0.0.1", **quiet)
        return True
    _check(there)
    try:
        ray.init(there, **quiet)
        return False
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise Failed(UNREACHABLE.format(address=there)) from error


def check_reach(plan: Plan) -> None:
    """Raises Failed where machines of the cluster cannot reach the plan's database."""
    machines = {node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]}
    if len(machines) > 1 and plan.database.startswith("sqlite"):
        raise Failed(ONE_MACHINE)


def deploy(plan: Plan) -> None:
    """Give the cluster the application, in place of an older one: its processes are replaced one after the other, each when its
    visits are over. Returns when all new ones are ready, whether or not old ones have visits left. Raises Failed.
    """
    logging.getLogger("ray.serve").setLevel(logging.ERROR)  # what goes wrong is raised
    before = _processes()
    try:
        serve.start(proxy_location="EveryNode", http_options=HTTPOptions(host=plan.host, port=plan.port))
    except RuntimeError as error:
        raise Failed(TAKEN.format(host=plan.host, port=plan.port)) from error
    try:
        serve.run_many([RunTarget(application(plan), NAME, "/")], wait_for_applications_running=False)
    except RuntimeError as error:
        raise Failed(BROKE) from error
    while not _ready(plan, before):
        time.sleep(LOOK_SECONDS)


def _ready(plan: Plan, before: set[str]) -> bool:
    """Whether all that runs are new ones, and none is still to come. Serve itself also waits for the old ones to end."""
    told = serve.status().applications[NAME]
    if told.status == "DEPLOY_FAILED":
        raise Failed(BROKE)
    running = 0
    for name, wanted in ((INGRESS, plan.ingresses), (STAGE, plan.workers)):
        deployment = told.deployments.get(name)
        states = Counter[str](dict(deployment.replica_states) if deployment else {})
        if states["RUNNING"] < wanted or states["STARTING"] or states["UPDATING"] or states["RECOVERING"]:
            return False
        running += states["RUNNING"]
    return running <= len(_processes() - before)


def _processes() -> set[str]:
    """The application's, by their names in Ray; those that are to end are among them."""
    actors = cast(Any, ray.util.list_named_actors(all_namespaces=True))  # dictionaries, which its type does not say
    names = (actor["name"] for actor in actors)
    return {name for name in names if name.startswith(f"SERVE_REPLICA::{NAME}#")}


def cores() -> int:
    """Of all machines together."""
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def machines() -> int:
    """How many there are."""
    return len({node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]})


def leave() -> None:
    """Leave a cluster that was joined for work; a new one ends with that."""
    ray.shutdown()


def end(new: bool) -> None:
    """Leave the cluster; a new one ends, and the application with it."""
    if new and ray.is_initialized():
        serve.shutdown()
    ray.shutdown()


def _running_here() -> str | None:
    """The address that RAY_ADDRESS gives, else that of the cluster on this machine.

    What Ray last noted as running here may have died without a word, and Ray itself would try to reach it for minutes.
    """
    if (named := os.environ.get("RAY_ADDRESS", AUTO)) not in ("", AUTO):
        return named
    for address in (services.find_bootstrap_address(None), *services.find_gcs_addresses()):
        if address and _answers(address):
            return address
    return None


def _answers(address: str) -> bool:
    try:
        _check(address)
    except Failed:
        return False
    return True


def _check(address: str) -> None:
    """Whether somebody listens there: Ray itself would try for minutes. Raises Failed."""
    try:
        socket.create_connection(host_and_port(address), CONNECT_SECONDS).close()
    except OSError as error:
        raise Failed(UNREACHABLE.format(address=address)) from error

"""Joining a cluster, or starting one on this machine, and giving it the application."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

import ray
from ray import serve
from ray.serve.config import HTTPOptions

from bithuman_core.cluster.application import application
from bithuman_core.cluster.plan import NAME, Plan
from bithuman_core.errors import Failed

AUTO = "auto"
STORE_BYTES = 100 * 2**20  # of shared memory for Ray's objects; the service has none of any size
UNREACHABLE = "No cluster answers at {address!r}: give the address that `ray start --head` printed, or auto."
NOT_AN_ADDRESS = "{address!r} is no address of a cluster: give auto, ray://host:10001, or host:6379."
ONE_MACHINE = "A cluster of several machines needs a database that all of them reach: give --database postgresql://user@host/name."


def join(address: str) -> bool:
    """Reach the cluster at an address; ``auto``: the one that runs on this machine, else a new one. Returns whether it is new.

    A new one is open to this machine alone. Raises Failed.
    """
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address != AUTO and not _is_address(address):
        raise Failed(NOT_AN_ADDRESS.format(address=address))
    try:
        ray.init(address, **quiet)
        return False
    except (ConnectionError, RuntimeError, ValueError) as error:
        if address != AUTO or not isinstance(error, ConnectionError):
            raise Failed(UNREACHABLE.format(address=address)) from error
    ray.init(include_dashboard=False, object_store_memory=STORE_BYTES, _node_ip_address="127.0.0.1", **quiet)
    return True


def check_reach(plan: Plan) -> None:
    """Raises Failed where machines of the cluster cannot reach the plan's database."""
    machines = {node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]}
    if len(machines) > 1 and plan.database.startswith("sqlite"):
        raise Failed(ONE_MACHINE)


def deploy(plan: Plan) -> None:
    """Give the cluster the application, in place of an older one: its processes are replaced one after the other, each when its
    visits are over. Returns when all are ready. Raises Failed.
    """
    logging.getLogger("ray.serve").setLevel(logging.ERROR)  # what goes wrong is raised
    serve.start(proxy_location="EveryNode", http_options=HTTPOptions(host=plan.host, port=plan.port))
    try:
        serve.run(application(plan), name=NAME, route_prefix="/")
    except RuntimeError as error:
        raise Failed("The cluster could not start the service: its logs (ray logs) say why.") from error


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


def _is_address(address: str) -> bool:
    parts = urlsplit(address if "://" in address else f"gcs://{address}")
    try:
        return parts.scheme in ("ray", "gcs") and bool(parts.hostname) and parts.port is not None
    except ValueError:
        return False

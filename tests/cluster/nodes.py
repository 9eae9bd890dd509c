"""A cluster of three nodes on this machine, with a PostgreSQL, and the means to kill any part of it."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.plugins import need

need("ray", "psycopg", "fastrtc")

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"

import httpx  # noqa: E402
import psutil  # noqa: E402
import ray  # noqa: E402
from ray import serve  # noqa: E402
from ray._private.state import actors  # noqa: E402
from ray.cluster_utils import Cluster  # noqa: E402

from bithuman_core.cluster.plan import INGRESS, NAME, STAGE, Plan  # noqa: E402
from bithuman_core.cluster.starting import deploy  # noqa: E402
from bithuman_core.service.context import Service  # noqa: E402
from bithuman_core.service.data.database import Database  # noqa: E402
from bithuman_core.service.storage import Storage  # noqa: E402
from tests.cluster.cable import HERE, THERE, Cable  # noqa: E402
from tests.cluster.visitor import SITE, Visitor  # noqa: E402
from tests.service.postgres import find_postgres, running  # noqa: E402
from tests.service.serving import ALL, Client, Humming  # noqa: E402

STORE = 80 << 20  # bytes, of a node
PATIENCE = 90  # s


def quiet_port() -> int:
    """One that is free, and that no system hands out by itself: Ray's many processes take hundreds of those."""
    for port in random.sample(range(20_000, 30_000), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


class Nodes:
    """``head`` carries Ray's own services, the answering processes and Serve's controller; ``workers`` those with places.

    address: of this machine, at which others reach it.
    """

    def __init__(self, plan: Plan, nodes: int, cpus: int, address: str | None = None) -> None:
        self.plan, self._cpus = plan, cpus
        self._killed = set[str]()
        self._at: dict[str, Any] = {} if address is None else {"node_ip_address": address}
        self.cluster = Cluster(
            initialize_head=True, shutdown_at_exit=False,
            head_node_args={"num_cpus": 1, "object_store_memory": STORE, "include_dashboard": False, **self._at},
        )  # fmt: skip
        self.workers = [self.add() for _ in range(nodes)]
        ray.init(self.cluster.address, log_to_driver=False, logging_level=logging.ERROR)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.plan.port}"

    def add(self) -> Any:
        return self.cluster.add_node(num_cpus=self._cpus, object_store_memory=STORE, resources={"places": 1}, **self._at)

    def add_beyond(self, cable: Cable) -> None:
        """A node on the machine at the other end."""
        command = ["-m", "ray.scripts.scripts", "start", "--address", self.cluster.address, "--node-ip-address", THERE]
        sizes = ["--num-cpus", str(self._cpus), "--object-store-memory", str(STORE), "--resources", '{"places": 1}']
        done = subprocess.run([*cable.there.run, sys.executable, *command, *sizes], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def beyond(self) -> str:
        """The name of the node there, which is alive; empty: there is none."""
        there = (node["NodeID"] for node in ray.nodes() if node["Alive"] and node["NodeManagerAddress"] == THERE)
        return next(there, "")

    def deploy(self) -> None:
        deploy(self.plan)

    def stages(self) -> dict[str, tuple[int, str]]:
        """Process and node of each process with places that lives, by its name."""
        return self._actors(f"SERVE_REPLICA::{NAME}#{STAGE}")

    def ingresses(self) -> dict[str, tuple[int, str]]:
        """The same of those that answer requests."""
        return self._actors(f"SERVE_REPLICA::{NAME}#{INGRESS}")

    def whole(self) -> bool:
        """Whether all processes of the plan live, and Serve has found those ready that are new."""
        wanted = {STAGE: (self.stages(), self.plan.workers), INGRESS: (self.ingresses(), self.plan.ingresses)}
        if not self.controller() or any(len(living) != count for living, count in wanted.values()):
            return False
        told = serve.status().applications[NAME].deployments
        return all(dict(told[name].replica_states) == {"RUNNING": count} for name, (_, count) in wanted.items())

    def controller(self) -> int:
        """Its process; 0: there is none."""
        return next((process for process, _ in self._actors("SERVE_CONTROLLER_ACTOR").values()), 0)

    def showing(self, visitor: Visitor) -> tuple[int, str]:
        """Process and node of the avatar that a visitor sees."""
        host, port = visitor.server
        for process, node in self.stages().values():
            if host == THERE:  # whose sockets cannot be seen from here
                if node == self.beyond():
                    return process, node
            elif port in {line.laddr.port for line in psutil.Process(process).net_connections("udp") if line.laddr}:
                return process, node
        raise AssertionError("no process shows it")

    def kill(self, node_id: str) -> None:
        """A whole node, without a word: as a power cut does, with all that runs there."""
        (node,) = [node for node in self.workers if node.node_id == node_id]
        there = [process for process, at in [*self.stages().values(), *self.ingresses().values()] if at == node_id]
        self.workers.remove(node)
        self._killed.add(node_id)
        self.cluster.remove_node(node, allow_graceful=False)
        for process in there:
            with suppress(ProcessLookupError):  # it has noticed, and ended
                kill(process)

    def close(self) -> None:
        serve.shutdown()
        ray.shutdown()
        self.cluster.shutdown()

    def _actors(self, name: str) -> dict[str, tuple[int, str]]:
        living = [actor for actor in actors().values() if actor["State"] == "ALIVE" and actor["Name"].startswith(name)]
        found = {actor["Name"]: (int(actor["Pid"]), str(actor["Address"]["NodeID"])) for actor in living}
        # Ray takes a while to find that a node is gone
        return {name: (process, node) for name, (process, node) in found.items() if node not in self._killed and lives(process)}


def kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)


def lives(process: int) -> bool:
    """Whether there is a process of that number; one that is killed is listed until somebody asks how it ended."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    return False


def job_processes() -> list[psutil.Process]:
    """Those that do jobs of the cluster."""
    return [process for process in psutil.process_iter(["name"]) if process.info["name"] == "ray::do_job"]


async def until(done: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """What ``done`` gives as soon as that is true; it may block for a moment."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if found := await asyncio.to_thread(done):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"it took too long until {what}")


class House:
    """A cluster with its database and storage, and an agent that is published for SITE."""

    def __init__(self, service: Service, nodes: Nodes) -> None:
        self.service, self.nodes = service, nodes
        self.secret, _ = service.secrets.create("tests", ALL, per_minute=100_000, per_day=1000)
        client = Client(service, self.secret)
        self.code = client.agent(name="Mara")
        client.work()
        assert client.put(f"/v1/agent/{self.code}/embed", json={"origins": [SITE]}).status_code == 200

    def owner(self) -> httpx.AsyncClient:
        """Asks with the secret."""
        return httpx.AsyncClient(base_url=self.nodes.url, headers={"api-secret": self.secret}, timeout=60, trust_env=False)

    def visitor(self) -> Visitor:
        return Visitor(self.nodes.url, self.code)


@contextmanager
def house(nodes: int = 3, cpus: int = 2, beyond: Cable | None = None, **more: Any) -> Iterator[House]:
    """One that is ready. A process with places takes 1.5 cores: on a node of two there is one of them.

    beyond: there is one more node at the other end of it.
    """
    programs = find_postgres()
    assert programs is not None
    address = None if beyond is None else HERE
    with running(programs, address) as server, tempfile.TemporaryDirectory(prefix="house-") as folder:
        database = Database(server.url)
        database.upgrade()
        voice = Humming()
        voice.look()
        service = Service(database, Storage(str(Path(folder, "files"))), voice=voice)
        plan = Plan(
            database=server.url, storage=str(Path(folder, "files")), port=quiet_port(), cpus=1.5, ingress_cpus=0.1,
            job_cpus=more.pop("job_cpus", 0.1), **more,
        )  # fmt: skip
        made = Nodes(plan, nodes, cpus, address)
        try:
            if beyond is not None:
                made.add_beyond(beyond)
            made.deploy()
            yield House(service, made)
        finally:
            made.close()
            service.close()

"""Three networks on one machine: a client and a server, each joined to a relay's and to nothing else.

::

    client 203.0.113.2 ── 203.0.113.1 relay 198.51.100.1 ── 198.51.100.2 server
                              192.0.2.1

There is no route beyond the relay, which both call 192.0.2.1: client and server exchange only what a program in its network
passes on. The addresses are those that RFC 5737 keeps for examples.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLIENT_NET, SERVER_NET = "203.0.113", "198.51.100"
CLIENT, RELAY_TO_CLIENT = f"{CLIENT_NET}.2", f"{CLIENT_NET}.1"
SERVER, RELAY_TO_SERVER = f"{SERVER_NET}.2", f"{SERVER_NET}.1"
RELAY = "192.0.2.1"
PROGRAMS = {"ip": "iproute2", "turnserver": "coturn"}  # Debian's package of each
PATIENCE = 10  # s, for a program to get ready, and to end


class NotAllowed(Exception):
    """This machine gives no network namespaces, or lacks a program; a sentence says why."""


def require_programs() -> None:
    """Install what is missing, as root on Debian and its like. Raises NotAllowed."""
    if sys.platform != "linux":
        raise NotAllowed("network namespaces are Linux's.")
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing and shutil.which("apt-get") and os.geteuid() == 0:
        packages = " ".join(PROGRAMS[name] for name in missing)
        print("installing for the test of the relay:", packages, flush=True)
        install = f"apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install {packages}"
        subprocess.run(["sh", "-c", install], check=False)
        if "turnserver" in missing and Path("/run/systemd/system").exists():  # the package starts a relay for everybody
            subprocess.run(["systemctl", "disable", "--now", "coturn"], check=False)
        missing = [name for name in missing if shutil.which(name) is None]
    if missing:
        packages = " and ".join(PROGRAMS[name] for name in missing)
        raise NotAllowed(f"{packages} is missing here, and only root on Debian or its like can install it.")


def ip(*words: str) -> str:
    """What the command prints. Raises NotAllowed."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotAllowed(f"network namespaces are not allowed here: ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


class Namespace:
    """One network of its own, by its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.run = ["ip", "netns", "exec", name]  # before a command

    def reaches(self, address: str) -> bool:
        """Whether the kernel knows a way from here to an address."""
        return subprocess.run([*self.run, "ip", "route", "get", address], capture_output=True, check=False).returncode == 0

    def listens(self, port: int) -> bool:
        """Whether somebody in here takes TCP connections on a port."""
        return bool(subprocess.run([*self.run, "ss", "-Hltn", f"sport = :{port}"], capture_output=True, check=False).stdout)

    @contextmanager
    def program(self, log: Path, port: int, *command: str) -> Iterator[None]:
        """A program that runs in here, from when it listens on a TCP port. Raises RuntimeError where it never does."""
        with log.open("w") as output:
            process = subprocess.Popen([*self.run, *command], stdout=output, stderr=subprocess.STDOUT, cwd=ROOT)
        try:
            give_up = time.monotonic() + PATIENCE
            while not self.listens(port):
                if process.poll() is not None or time.monotonic() > give_up:
                    raise RuntimeError(f"{command[0]} did not get ready:\n{log.read_text()}")
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def lonely_network() -> Iterator[Namespace]:
    """One with the address SERVER that leads nowhere; what runs in it is ended with it. Raises NotAllowed."""
    if sys.platform != "linux" or shutil.which("ip") is None:
        raise NotAllowed("network namespaces are Linux's, and iproute2 makes them.")
    space = Namespace(f"bithuman-{os.getpid()}-lonely")
    with ExitStack() as made:
        ip("netns", "add", space.name)
        made.callback(subprocess.run, ["ip", "netns", "delete", space.name], check=False)
        ip("-n", space.name, "link", "set", "lo", "up")
        ip("-n", space.name, "link", "add", "eth0", "type", "veth", "peer", "name", "nobody")
        ip("-n", space.name, "address", "add", f"{SERVER}/24", "dev", "eth0")
        for end in ("eth0", "nobody"):
            ip("-n", space.name, "link", "set", end, "up")
        ip("netns", "exec", space.name, "true")  # some containers allow the one and not the other
        made.callback(end_all, space)
        yield space


def end_all(space: Namespace) -> None:
    """The programs that run in there."""
    running = subprocess.run(["ip", "netns", "pids", space.name], capture_output=True, text=True, check=False).stdout.split()
    subprocess.run(["kill", "-KILL", *running], check=False, stderr=subprocess.DEVNULL)


@contextmanager
def networks() -> Iterator[tuple[Namespace, Namespace, Namespace]]:
    """The client's, the relay's and the server's; deleted afterwards. Raises NotAllowed."""
    require_programs()
    client, relay, server = (Namespace(f"bithuman-{os.getpid()}-{role}") for role in ("client", "relay", "server"))
    with ExitStack() as made:
        for space in (client, relay, server):
            ip("netns", "add", space.name)
            made.callback(subprocess.run, ["ip", "netns", "delete", space.name], check=False)
            ip("-n", space.name, "link", "set", "lo", "up")
        for space, link, own, relays in (
            (client, "to-client", CLIENT, RELAY_TO_CLIENT),
            (server, "to-server", SERVER, RELAY_TO_SERVER),
        ):
            ip("-n", space.name, "link", "add", "eth0", "type", "veth", "peer", "name", link, "netns", relay.name)
            for end, name, address in ((space, "eth0", own), (relay, link, relays)):
                ip("-n", end.name, "address", "add", f"{address}/24", "dev", name)
                ip("-n", end.name, "link", "set", name, "up")
            ip("-n", space.name, "route", "add", RELAY, "via", relays)
            ip("netns", "exec", space.name, "true")  # some containers allow the one and not the other
        ip("-n", relay.name, "address", "add", f"{RELAY}/32", "dev", "lo")
        yield client, relay, server

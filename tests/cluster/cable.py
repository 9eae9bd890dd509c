"""A machine beside this one: a network of its own at the end of a cable that can be pulled."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.browser.namespaces import Namespace, NotAllowed, end_all, ip

HERE, THERE = "203.0.113.129", "203.0.113.130"  # of the addresses that RFC 5737 keeps for examples
NOBODY = "02:00:00:00:00:01"  # a card that no machine has


class Cable:
    """Between this machine (HERE) and the other one (THERE)."""

    def __init__(self, there: Namespace, plug: str) -> None:
        self.there, self._plug = there, plug
        self._cards = {HERE: _card("link", "show", plug), THERE: _card("-n", there.name, "link", "show", "eth0")}

    def pull(self) -> None:
        """From now on whatever is sent is lost without a word."""
        self._lead(NOBODY, NOBODY)

    def join(self) -> None:
        """As before."""
        self._lead(self._cards[HERE], self._cards[THERE])

    def _lead(self, here: str, there: str) -> None:
        ip("neighbour", "replace", THERE, "lladdr", there, "dev", self._plug, "nud", "permanent")
        ip("-n", self.there.name, "neighbour", "replace", HERE, "lladdr", here, "dev", "eth0", "nud", "permanent")


@contextmanager
def cable() -> Iterator[Cable]:
    """One between this machine and another one, whose programs end with it. Raises NotAllowed."""
    if sys.platform != "linux" or shutil.which("ip") is None:
        raise NotAllowed("network namespaces are Linux's, and iproute2 makes them.")
    there, plug = Namespace(f"bithuman-{os.getpid()}-there"), f"bit{os.getpid()}"
    with ExitStack() as made:
        ip("netns", "add", there.name)
        made.callback(subprocess.run, ["ip", "netns", "delete", there.name], check=False)
        ip("link", "add", plug, "type", "veth", "peer", "name", "eth0", "netns", there.name)
        made.callback(subprocess.run, ["ip", "link", "delete", plug], check=False, stderr=subprocess.DEVNULL)
        ip("address", "add", f"{HERE}/30", "dev", plug)
        ip("link", "set", plug, "up")
        ip("-n", there.name, "address", "add", f"{THERE}/30", "dev", "eth0")
        for end in ("lo", "eth0"):
            ip("-n", there.name, "link", "set", end, "up")
        ip("netns", "exec", there.name, "true")  # some containers allow the one and not the other
        made.callback(end_all, there)
        joined = Cable(there, plug)
        joined.join()
        yield joined


def _card(*words: str) -> str:
    """The hardware address of one end."""
    told = ip(*words).split()
    return told[told.index("link/ether") + 1]

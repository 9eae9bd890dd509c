"""The names under which a server lets itself be called.

A page of another site can be led to a server that only listens on this machine, under a name of that site's own (DNS rebinding):
the browser then takes the answers for that site's. The name is in every request, as its ``Host``.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit


def host_name(authority: str) -> str:
    """``Example.org:8000`` as ``example.org``, ``[::1]:80`` as ``::1``; empty where it is no host."""
    try:
        return (urlsplit(f"//{authority}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_this_machine(name: str) -> bool:
    """Whether a name or an address can only mean the machine itself."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


class KnownHosts:
    """Which ``Host`` a server answers to.

    ``listens_on``: its own address; one that listens on this machine only is called by this machine's names. ``added``: further
    names, ``*.example.org`` for all below one. A server that others can reach answers to every name, unless names were added.
    """

    def __init__(self, listens_on: str, added: Iterable[str] = ()) -> None:
        self._added = [name for entry in added if (name := entry.strip().lower())]
        self._all = not self._added and not is_this_machine(listens_on)

    def know(self, authority: str) -> bool:
        """Whether a request for this ``Host`` is answered."""
        name = host_name(authority)
        return self._all or is_this_machine(name) or any(_fits(name, pattern) for pattern in self._added)


def _fits(name: str, pattern: str) -> bool:
    return name == pattern or (pattern.startswith("*.") and name.endswith(pattern[1:]))

"""Where a worker may fetch avatars from: the public internet, and what its operator adds; never its own network by accident."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from bithuman_core.worker.refused import Refused

Address = IPv4Address | IPv6Address

# What Python's own table takes for public: a dummy address (RFC 7600), relays of 6to4 (RFC 7526), documentation (RFC 9637).
NOT_PUBLIC = tuple(map(ip_network, ("192.0.0.8/32", "192.88.99.0/24", "3fff::/20")))


def is_public(address: Address) -> bool:
    """Whether an address belongs to one host of the public internet, itself and not by way of an address inside it."""
    if isinstance(address, IPv6Address) and (address.sixtofour or address.teredo or address.ipv4_mapped or address.is_site_local):
        return False
    if any(address in network for network in NOT_PUBLIC):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


class Addresses:
    """Resolves host names and lets through what may be reached."""

    def __init__(self, added: Iterable[str] = (), called: str = "avatar_image_url") -> None:
        """added: addresses, networks (``10.1.0.0/16``) and host names that may be reached though they are not public. called: the
        field of a request that names addresses, in sentences.

        Raises ValueError for what is none of these.
        """
        self._called = called
        self._networks, self._hosts = [], set[str]()
        for entry in added:
            if "://" in entry or not entry.strip():
                raise ValueError(f"{entry!r} is no host, address or network: give for example 10.1.0.0/16 or files.example.")
            try:
                self._networks.append(ip_network(entry, strict=False))
            except ValueError:
                if "/" in entry or ":" in entry:
                    raise ValueError(f"{entry!r} is no network: give for example 10.1.0.0/16.") from None
                self._hosts.add(entry.lower().rstrip("."))

    def may(self, host: str, address: Address) -> bool:
        """Whether ``address``, to which ``host`` resolved, may be reached."""
        if host.lower().rstrip(".") in self._hosts or any(address in network for network in self._networks):
            return True
        return is_public(address)

    async def find(self, host: str, port: int) -> list[str]:
        """The addresses of a host that may be reached, the best first. Raises Refused where there is none."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise Refused(f"{self._called}: no server is known under the name {host!r}; check the address.") from None
        addresses = [str(entry[4][0]) for entry in found]
        reachable = [address for address in dict.fromkeys(addresses) if self.may(host, ip_address(address))]
        if not reachable:
            raise Refused(
                f"{self._called}: {host!r} is not on the public internet, and this server asks nothing of its own network: "
                "upload the file itself, or ask the operator for --fetch-from."
            )
        return reachable

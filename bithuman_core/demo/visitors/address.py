"""Who asks, as far as a server can tell: the network address, which counts what one person or office takes."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

IPV6_PREFIX = 64  # bits: what one household or office gets; all addresses below it are theirs


def network_of(host: str | None, *, own_machine: bool = False) -> str | None:
    """The name under which an address is counted: IPv4 as it is, IPv6 as its /64.

    None where nothing is counted: this machine itself, unless ``own_machine``. Behind a web server of the same machine the
    address is the one that it passes on (``X-Forwarded-For``).
    """
    if host is None:
        return None
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_loopback and not own_machine:
        return None
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), IPV6_PREFIX), strict=False))
    return str(address)


def network_of_client(client: tuple[str, int] | None, *, own_machine: bool = False) -> str | None:
    """The same for a client as ASGI and Gradio have it: (host, port)."""
    return network_of(client[0] if client else None, own_machine=own_machine)

"""Where a cluster of Ray is, told apart before Ray is loaded, which takes seconds."""

from __future__ import annotations

from urllib.parse import urlsplit

from bithuman_core.errors import Failed

AUTO = "auto"
NOT_AN_ADDRESS = "{address!r} is no address of a cluster: give auto, ray://host:10001, or host:6379."


def host_and_port(address: str) -> tuple[str, int]:
    """Of ``ray://host:10001`` or ``host:6379``. Raises Failed."""
    parts = urlsplit(address if "://" in address else f"gcs://{address}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if parts.scheme not in ("ray", "gcs") or not host or port is None:
        raise Failed(NOT_AN_ADDRESS.format(address=address))
    return host, port

"""What the clients of the service may take of it, beside what the page's ``Limits`` say of connections and bodies."""

from __future__ import annotations

from dataclasses import dataclass, field

from bithuman_core.demo.limits import MIB, Limits


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """Sizes in bytes or characters, durations in seconds."""

    doors: Limits = field(default_factory=Limits)
    json_bytes: int = 36 * MIB  # of a request in JSON: a photo of 24 MiB in base64
    text: int = 4000  # characters to speak at a time
    prompt: int = 20_000  # characters of a persona
    upload_seconds: float = 120.0
    uploads_kept: float = 7 * 86_400.0  # files that nobody deletes
    speeches: int = 8  # texts that are spoken or wait for it, of all requests together
    fetch_from: tuple[str, ...] = ()  # hosts and networks of its own that addresses may name; public ones they may anyway
    webhooks: int = 50

"""What the clients of a worker may take of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

MIB = 2**20


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """Sizes in bytes, durations in seconds."""

    tasks: int = field(default_factory=lambda: os.cpu_count() or 1)  # avatars in rooms at once
    remembered: int = 100  # tasks that have ended and are still listed
    upload_bytes: int = 64 * MIB  # the whole request or download: a photo, a short clip or an .imx file
    field_bytes: int = 16 * 1024  # of one text field; LiveKit's tokens have some 500
    upload_seconds: float = 120.0
    connect_seconds: float = 5.0  # to a server that avatar_image_url names
    download_seconds: float = 60.0  # the whole of it, redirects too
    fetch_from: tuple[str, ...] = ()  # hosts and networks of its own that it may fetch from; public ones it may anyway
    join_seconds: float = 20.0  # to reach the room
    lost_seconds: float = 5.0  # without LiveKit's server, until the room is joined anew
    rejoin_seconds: float = 300.0  # that the server may take to come back
    part_seconds: float = 3.0  # to leave one room
    leave_seconds: float = 1.5  # to leave the rooms when the worker ends
    agent_seconds: float = 120.0  # in the room until an agent is there
    benchmark_seconds: float = 4.0  # of speech

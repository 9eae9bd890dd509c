"""What one visitor, and all of them, may take of the server."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, durations in seconds. The defaults suit a public page on a small machine."""

    visitors: int = 200  # pages that are open, live or not
    visit_idle: float = 180.0  # a page that has not been heard of for so long is closed
    live: float = float("inf")  # the longest time on air at a stretch
    avatars: int = 4  # of one visitor's own
    avatars_all: int = 24  # of all visitors' own together, some 15 MiB of memory each
    avatar_bytes: int = 32 * MIB  # ours have some 3 MiB
    photo_bytes: int = 24 * MIB
    audio_bytes: int = 48 * MIB
    audio_seconds: float = 180.0
    text: int = 600  # characters
    calls: int = 12  # of the endpoints, from one address at once, and ...
    calls_per_second: float = 0.2  # ... so many more
    clips: int = 3  # kept of one visitor; the oldest one goes
    upload_seconds: float = 120.0
    waiting: int = 64  # events in Gradio's queue, all visitors together
    requests: int = 20  # uploads, texts and videos of one visitor at once, and ...
    requests_per_second: float = 0.2  # ... so many more

"""A worker of one's own: an HTTP server that puts avatars into LiveKit rooms, one task a room.

Needs the extras ``livekit`` and ``fastrtc`` (FastAPI, uvicorn), and ``build`` for photos. See ``docs/worker.md``. The names below
are imported on first use: what fetches files from addresses serves others, too, without LiveKit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bithuman_core.worker.limits import WorkerLimits
    from bithuman_core.worker.web import worker_app

__all__ = ["WorkerLimits", "worker_app"]


def __getattr__(name: str) -> Any:
    if name == "WorkerLimits":
        from bithuman_core.worker.limits import WorkerLimits

        return WorkerLimits
    if name != "worker_app":
        raise AttributeError(f"module 'bithuman_core.worker' has no attribute {name!r}")
    try:
        from bithuman_core.worker.web import worker_app
    except ModuleNotFoundError as error:
        sentence = "bithuman_core.worker needs the packages of two extras: pip install 'bithuman-core[livekit,fastrtc]'."
        raise ModuleNotFoundError(sentence, name=error.name) from error
    return worker_app

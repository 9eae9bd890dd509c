"""A worker of one's own: an HTTP server that puts avatars into LiveKit rooms, one task a room.

Needs the extras ``livekit`` and ``fastrtc`` (FastAPI, uvicorn), and ``build`` for photos. See ``docs/worker.md``.
"""

from bithuman_core.worker.limits import WorkerLimits
from bithuman_core.worker.web import worker_app

__all__ = ["WorkerLimits", "worker_app"]

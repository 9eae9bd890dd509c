"""A worker of one's own: an HTTP server that puts avatars into LiveKit rooms, one task a room.

Needs the extras ``livekit`` and ``fastrtc`` (FastAPI, uvicorn), and ``build`` for photos. See ``docs/worker.md``.
"""

try:
    import fastapi as _fastapi
    import python_multipart as _multipart
    from livekit import agents as _agents
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "bithuman_core.worker needs the packages of two extras: pip install 'bithuman-core[livekit,fastrtc]'.", name=error.name
    ) from error

from bithuman_core.worker.limits import WorkerLimits
from bithuman_core.worker.web import worker_app

__all__ = ["WorkerLimits", "worker_app"]
del _agents, _fastapi, _multipart

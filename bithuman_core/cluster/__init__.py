"""The service on several machines, by Ray Serve: who answers requests holds no avatars, who holds avatars answers no requests.

Needs the extra ``cluster``. What must outlive a process lies in the service's database and storage. See ``docs/scaling.md``.
"""

import os

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # read when Ray is imported: nothing leaves the machines

try:
    import ray.serve as _serve
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "bithuman_core.cluster needs Ray Serve: pip install 'bithuman-core[cluster]'.", name=error.name
    ) from error

del _serve

"""A server of one's own with the REST API of the commercial product: agents, videos, speech, secrets. See ``docs/service.md``.

Needs the extra ``serve``. What it knows lies in a database and a folder (or PostgreSQL and object storage), never in the process:
several of them on the same two serve the same agents.
"""

try:
    import alembic as _alembic
    import argon2 as _argon2
    import fastapi as _fastapi
    import fsspec as _fsspec
    import jwt as _jwt
    import prometheus_client as _prometheus_client
    import sqlalchemy as _sqlalchemy
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "bithuman_core.service needs more packages: pip install 'bithuman-core[serve]'.", name=error.name
    ) from error

del _alembic, _argon2, _fastapi, _fsspec, _jwt, _prometheus_client, _sqlalchemy

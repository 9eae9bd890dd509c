"""What a program shows a server of this machine to prove that one user runs both: a secret in a file that only they can read.

An address alone does not prove it: behind a web server on the same machine, every visitor comes from 127.0.0.1.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from bithuman_core.files import replacing

HEADER = "X-Local-Key"


def local_key() -> str:
    """The user's key, from XDG_CACHE_HOME or ``~/.cache``; made with the first call. Raises OSError."""
    path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bithuman_core" / "local.key"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(32))
    return path.read_text("ascii")

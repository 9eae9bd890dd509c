"""Secrets as they are written, and their hashes as they are kept (argon2id)."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections import OrderedDict
from threading import Lock

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

PREFIX = "bhc"
ID_BYTES, SECRET_BYTES = 6, 32
WRITTEN = re.compile(rf"{PREFIX}_([0-9a-f]{{{2 * ID_BYTES}}})_[\w-]{{43}}", re.ASCII)
# OWASP's smallest parameters of argon2id: 19 MiB, two passes. The secrets are random, 256 bits, and no dictionary has them.
hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
REMEMBERED = 1024  # secrets that were right


def new_secret() -> tuple[str, str, str]:
    """(id, secret, hash): the id is part of the secret, and no secret itself."""
    number = secrets.token_hex(ID_BYTES)
    secret = f"{PREFIX}_{number}_{secrets.token_urlsafe(SECRET_BYTES)}"
    return number, secret, hasher.hash(secret)


def id_of(secret: str) -> str | None:
    """The id in a secret; None for what cannot be one."""
    found = WRITTEN.fullmatch(secret)
    return found[1] if found else None


class Verifier:
    """Compares secrets with hashes. What was right is remembered, by its digest and together with the hash it was right for: an
    argon2 hash takes some 20 ms, and is made once a secret and process. Whether a secret has been revoked is not decided here."""

    def __init__(self) -> None:
        self._right: OrderedDict[bytes, str] = OrderedDict()
        self._lock = Lock()

    def is_right(self, secret: str, hashed: str) -> bool:
        """Whether a hash is this secret's."""
        digest = hashlib.sha256(secret.encode()).digest()
        with self._lock:
            if self._right.get(digest) == hashed:
                return True
        try:
            hasher.verify(hashed, secret)
        except VerificationError:
            return False
        with self._lock:
            self._right[digest] = hashed
            if len(self._right) > REMEMBERED:
                self._right.popitem(last=False)
        return True

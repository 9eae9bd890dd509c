"""Why a clip cannot be kept as footage."""

from __future__ import annotations

from bithuman_core.errors import BuildError


class NotFootage(BuildError):
    """The clip cannot be kept as footage; a photo avatar of its best picture can be made."""

"""What an app's handler raises."""

from __future__ import annotations

import logging
from types import TracebackType

from fastrtc import WebRTCError

logger = logging.getLogger(__name__)


class AppErrors:
    """``with`` it, an exception of the app's method ``name`` is logged and told to the client, as FastRTC does, and ends nothing.

    The same one again and again is told once. Use it on the event loop, in a task of the connection.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._last = ""  # what was told, until the method works again

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        """Whether the exception, if there is one, is dealt with."""
        if error is None:
            self._last = ""
        if not isinstance(error, Exception):
            return False
        if repr(error) != self._last:
            self._last = repr(error)
            logger.error("%s() of the handler failed; the avatar goes on.", self._name, exc_info=error)
            if not isinstance(error, WebRTCError):  # that one has told the client when it was made
                WebRTCError(str(error))
        return True

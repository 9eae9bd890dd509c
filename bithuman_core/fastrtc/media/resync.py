"""When the voice starts its pacing anew."""

from __future__ import annotations

from bithuman_core.timing import FPS, TICK_SECONDS

START_TICKS = FPS // 2  # the first look, when the connection has settled
SETTLE_TICKS = 3  # after a stall, while its ticks are caught up
CALM_TICKS = 4 * FPS  # between two looks when nothing has happened
STALL_SECONDS = 3 * TICK_SECONDS  # between two ticks
PUNCTUAL_SECONDS = TICK_SECONDS / 4


class VoiceResync:
    """Tells at which ticks the voice that FastRTC holds back is dropped.

    FastRTC paces the voice from the first packet it sends, and from the first one after a gap. Where that one was late, all that
    follow are held back by as much, for good, and the voice trails the lips. Dropping what is held back makes the next packet
    the first one again; it has to be a punctual one. After a stall that is done as soon as it is caught up, else from time to
    time when nobody speaks, so that it is not heard.
    """

    def __init__(self) -> None:
        self._wait = START_TICKS
        self._forced = True

    def due(self, step: float, work: float, quiet: bool) -> bool:
        """Once a tick: ``step`` s since the last one began, ``work`` s that it took, ``quiet``: nothing is to be heard in it."""
        self._wait -= 1
        if step > STALL_SECONDS:
            self._wait, self._forced = SETTLE_TICKS, True
        punctual = abs(step - TICK_SECONDS) < PUNCTUAL_SECONDS and work < PUNCTUAL_SECONDS
        if self._wait > 0 or not punctual or not (quiet or self._forced):
            return False
        self._wait, self._forced = CALM_TICKS, False
        return True

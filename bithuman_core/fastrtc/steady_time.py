"""Time for aiortc and FastRTC that never jumps. They pace sound and picture by the wall clock: set back an hour, as machines
without a clock of their own and virtual machines do, it would freeze both for an hour.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone

from aioice import turn
from aiortc import clock, mediastreams, rtcrtpreceiver, rtcrtpsender, rtcsctptransport
from fastrtc import tracks

SINCE_1900 = 2_208_988_800  # s from NTP's epoch to Unix's
PACED = (tracks, mediastreams, rtcrtpreceiver, rtcrtpsender, rtcsctptransport, turn)  # all that these use of ``time`` is time()


class SteadyTime:
    """In the place of the module ``time``: the wall clock when it was made, and the monotonic one since."""

    def __init__(self) -> None:
        self._shift = time.time() - time.monotonic()

    def time(self) -> float:
        """Seconds."""
        return self._shift + time.monotonic()


STEADY = SteadyTime()


def ntp_time() -> int:
    """Now in NTP's format, 2^-32 s: what aiortc makes of a datetime twice a packet, for a quarter of the work."""
    return int((STEADY.time() + SINCE_1900) * 2**32)


def keep_time() -> None:
    """Let aiortc and FastRTC go by it, for all connections of the process."""
    for module in PACED:
        vars(module)["time"] = STEADY
    clock.current_datetime = lambda: datetime.fromtimestamp(STEADY.time(), timezone.utc)
    clock.current_ntp_time = ntp_time

"""Takes as JSON: what ``bithuman-core motion --format json`` writes."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from bithuman_core.errors import MotionError
from bithuman_core.face import FACE_SIZE
from bithuman_core.motion.take.names import CHANNELS, plain
from bithuman_core.motion.take.samples import Samples
from bithuman_core.motion.take.table import FARTHEST

FORM = '{"fps": 25, "names": ["jawOpen", "headYaw"], "frames": [{"coefficients": [0.1, 5.0]}]}'
FASTEST = 1000.0  # frames a second


def read_document(text: str, fps: float | None) -> Samples:
    """The samples of ``{"fps", "names", "frames": [{"time", "coefficients"}]}``.

    ``names`` may hold head values (degrees, face widths) as well; frames without ``time`` follow each other. fps: of a document
    that does not say it. Raises MotionError.
    """
    try:
        document = json.loads(text)
        names, frames = list(document["names"]), list(document["frames"])
        rate = _finite(document.get("fps", fps), 1.0, FASTEST)
        channels = [CHANNELS[plain(str(name))] for name in names]
        values = np.zeros((len(frames), FACE_SIZE), np.float32)
        times = np.empty(len(frames))
        for k, frame in enumerate(frames):
            row = frame["coefficients"]
            if len(row) != len(channels):
                raise MotionError(f"frame {k} has {len(row)} coefficients for {len(channels)} names: give as many.")
            values[k, channels] = [_finite(number, -FARTHEST, FARTHEST) for number in row]
            times[k] = _finite(frame.get("time", k / rate), 0.0, FARTHEST)
    except MotionError:
        raise
    except RecursionError as error:
        raise MotionError(f"it is nested too deeply: give JSON like {FORM}.") from error
    except KeyError as error:
        raise MotionError(f"it lacks, or does not know, {str(error)[:40]}: give JSON like {FORM}.") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise MotionError(f"it is no take ({str(error)[:80]}): give JSON like {FORM}.") from error
    if len(set(channels)) < len(channels):
        raise MotionError("it names a coefficient twice: leave one of them out.")
    return Samples(times, values, rate)


def _finite(given: Any, least: float, most: float) -> float:
    """A number. Raises ValueError, also for NaN, which JSON here may hold; what is too large is cut down."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise ValueError(f"{str(given)[:20]!r} is no number")
    try:
        number = float(given)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{str(given)[:20]} is not finite")
    return min(max(number, least), most)

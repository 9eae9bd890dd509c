"""Speech motion as a file: the tables and curves that animation tools read, at 25, 30 or 60 frames a second.

Everything is a stream: a recording of hours needs no more memory than one of seconds.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TextIO

import numpy as np

from bithuman_core.face import ARKIT_NAMES, FaceState, indices
from bithuman_core.timing import FPS

CLOSED_GAP = 0.02  # interocular distances: below, lips read as closed
RATES = (25, 30, 60)  # frames a second
COLUMNS = ("time", "viseme", "lipGap", "mouthWidth", *ARKIT_NAMES, "headYaw", "headPitch", "headRoll")

# Live Link Face, Epic's recorder: PascalCase, right before left for jaw and mouth, then head and eye rotations.
_RIGHT_FIRST = {"jawLeft": "jawRight", "jawRight": "jawLeft", "mouthLeft": "mouthRight", "mouthRight": "mouthLeft"}
LIVE_LINK_NAMES = tuple(_RIGHT_FIRST.get(name, name) for name in ARKIT_NAMES)
_LIVE_LINK_ROTATIONS = (
    "HeadYaw", "HeadPitch", "HeadRoll", "LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll", "RightEyeYaw", "RightEyePitch",
    "RightEyeRoll",
)  # fmt: skip
LIVE_LINK_COLUMNS = (
    "Timecode", "BlendShapeCount", *(name[0].upper() + name[1:] for name in LIVE_LINK_NAMES), *_LIVE_LINK_ROTATIONS
)  # fmt: skip


# Its rotations are in radians, + to the character's right and downwards: so the eye columns of its recordings go with their
# eyeLook coefficients, and the head's are taken to be alike. Signs of yaw, pitch and roll against ours:
LIVE_LINK_TURN = np.array([-1.0, -1.0, 1.0], np.float32)


class MotionFormat(str, Enum):
    """What the command ``motion`` writes."""

    CSV = "csv"  # COLUMNS: lip gap and width on the avatar, ARKit coefficients, head
    ARKIT_CSV = "arkit-csv"  # as the app Live Link Face records: LIVE_LINK_COLUMNS
    JSON = "json"  # {"fps", "names", "frames": [{"time", "viseme", "voice", "coefficients"}]}
    VISEMES = "visemes"  # {"names", "cues": [{"start", "end", "viseme", "weight"}]}


@dataclass(frozen=True, slots=True)
class Moment:
    """The face of one frame; ``weight`` is the probability of ``viseme``, ``voice`` the voice activity, both 0..1."""

    face: FaceState
    viseme: str
    weight: float
    voice: float
    gap: float  # of the lips, interocular distances
    width: float


def at_rate(moments: Iterable[Moment], fps: int) -> Iterator[Moment]:
    """Moments at 25 a second as moments at ``fps`` a second (25 or more); frame j shows the time (j + 0.5) / fps.

    Between two ticks the face is interpolated, but the frame nearest to a tick whose lips touch shows that tick as it is:
    a p keeps its closure at every rate.
    """
    if fps < FPS:
        raise ValueError(f"fps is {fps}; give {FPS} or more")
    if fps == FPS:
        yield from moments
        return
    count = index = 0
    before: Moment | None = None
    for tick, after in enumerate(moments):
        before = before or after
        while _centre(index, fps) <= tick:  # between the centres of the ticks tick - 1 and tick
            yield _between(before, after, tick - 1, index, fps)
            index += 1
        before, count = after, tick + 1
    while before is not None and index * FPS < count * fps:
        yield before
        index += 1


def _centre(index: int, fps: int) -> float:
    """The time of a frame, counted in ticks from the centre of tick 0."""
    return (index + 0.5) * FPS / fps - 0.5


def _between(before: Moment, after: Moment, tick: int, index: int, fps: int) -> Moment:
    """Frame ``index``, which lies between ``before`` (of ``tick``) and ``after`` (of ``tick + 1``)."""
    part = min(max(_centre(index, fps) - tick, 0.0), 1.0)
    for moment, at in ((before, tick), (after, tick + 1)):
        if moment.gap <= CLOSED_GAP and abs(_centre(index, fps) - at) <= 0.5 * FPS / fps + 1e-9:
            return moment
    nearest = after if part >= 0.5 else before
    mixed = FaceState(((1 - part) * before.face.values + part * after.face.values).astype(np.float32))
    gap, width = ((1 - part) * a + part * b for a, b in ((before.gap, after.gap), (before.width, after.width)))
    return Moment(mixed, nearest.viseme, nearest.weight, (1 - part) * before.voice + part * after.voice, gap, width)


def write(moments: Iterable[Moment], file: TextIO, form: MotionFormat, fps: int) -> None:
    """Write moments, ``fps`` of them a second, as they come."""
    writers = {
        MotionFormat.CSV: write_csv, MotionFormat.ARKIT_CSV: write_live_link, MotionFormat.JSON: write_json,
        MotionFormat.VISEMES: write_visemes,
    }  # fmt: skip
    writers[form](moments, file, fps)


def exact(value: float, digits: int = 0) -> str:
    """A float32 in the fewest decimal digits that tell it from every other one (and at least ``digits``): read again, it is the
    same, so that a face which is written and read is drawn as it was."""
    return np.format_float_positional(np.float32(value), unique=True, trim="k" if digits else "-", min_digits=digits or None)


def write_csv(moments: Iterable[Moment], file: TextIO, fps: int) -> None:
    """A table with the columns :data:`COLUMNS`; ``time`` is the start of the frame in seconds."""
    table = csv.writer(file)
    table.writerow(COLUMNS)
    for index, moment in enumerate(moments):
        lips = (f"{moment.gap:.4f}", f"{moment.width:.4f}")
        values = map(exact, (*moment.face.coefficients, *moment.face.head[:3]))
        table.writerow([f"{index / fps:.3f}".removesuffix("0"), moment.viseme, *lips, *values])


def write_live_link(moments: Iterable[Moment], file: TextIO, fps: int) -> None:
    """A table as Live Link Face writes it; ``Timecode`` is hours:minutes:seconds:frame.thousandth."""
    table = csv.writer(file)
    table.writerow(LIVE_LINK_COLUMNS)
    order = indices(*LIVE_LINK_NAMES)
    count = len(LIVE_LINK_COLUMNS) - 2
    for index, moment in enumerate(moments):
        second, frame = divmod(index, fps)
        minute, second = divmod(second, 60)
        timecode = f"{minute // 60:02d}:{minute % 60:02d}:{second:02d}:{frame:02d}.000"
        values = (*moment.face.values[order], *(np.radians(moment.face.head[:3]) * LIVE_LINK_TURN + 0.0), *[0.0] * 6)  # no -0.0
        table.writerow([timecode, count, *(exact(v, 6) for v in values)])


def write_json(moments: Iterable[Moment], file: TextIO, fps: int) -> None:
    """One JSON object with a frame a line; ``coefficients`` in the order of ``names``."""
    file.write(f'{{"fps": {fps}, "names": {json.dumps(ARKIT_NAMES)}, "frames": [')
    for index, moment in enumerate(moments):
        frame = {"time": round(index / fps, 4), "viseme": moment.viseme, "voice": round(moment.voice, 4),
                 "coefficients": [float(exact(v)) for v in moment.face.coefficients]}  # fmt: skip
        file.write(("," if index else "") + "\n" + json.dumps(frame))
    file.write("\n]}\n")


def write_visemes(moments: Iterable[Moment], file: TextIO, fps: int) -> None:
    """Cues: one viseme from ``start`` to ``end`` (s) with its mean probability as ``weight``; they follow without gaps."""
    file.write(f'{{"fps": {fps}, "cues": [')
    start, weights, shown, count = 0, [0.0], "", 0

    def cue(end: int) -> None:
        entry = {"start": round(start / fps, 4), "end": round(end / fps, 4), "viseme": shown}
        entry["weight"] = round(float(np.mean(weights)), 4)
        file.write(("," if start else "") + "\n" + json.dumps(entry))

    for index, moment in enumerate(moments):
        if moment.viseme != shown:
            if index:
                cue(index)
            start, weights, shown = index, [], moment.viseme
        weights.append(moment.weight)
        count = index + 1
    if count:
        cue(count)
    file.write("\n]}\n")

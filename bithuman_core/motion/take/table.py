"""Takes as tables: what Live Link Face records, and what ``bithuman-core motion`` writes."""

from __future__ import annotations

import csv
import io
import math
from array import array
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bithuman_core.errors import MotionError
from bithuman_core.face import FACE_SIZE, HEAD
from bithuman_core.motion.export import LIVE_LINK_TURN
from bithuman_core.motion.take.names import CHANNELS, plain
from bithuman_core.motion.take.samples import Samples
from bithuman_core.motion.take.timecode import seconds_of

DELIMITERS = ",;\t"
MOST_COLUMNS = 1000
TIMECODE, TIME = "timecode", "time"  # of Live Link Face; of our own tables
TURN = slice(HEAD.start, HEAD.start + 3)
FARTHEST = 1e6  # no value of a face; beyond it, single precision would end


def read_table(text: str, fps: float | None) -> Samples:
    """The samples of a table whose first line names its columns, by names of any case and order; others are left out.

    Columns are parted by commas, semicolons (then with decimal commas, too) or tabs. A table with timecodes turns the head in
    radians as Live Link Face does, one with ``time`` (seconds) in degrees as ours do. Lines without values, where the face was
    lost, are left out. fps: frames a second; needed where the table has no time. Raises MotionError.
    """
    first = text.lstrip().partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    rows = _rows(text, delimiter)
    header = [plain(cell) for cell in next(rows, (0, []))[1]]
    if len(header) > MOST_COLUMNS:
        raise MotionError(f"it has {len(header)} columns: give one as Live Link Face records it.")
    columns = {at: CHANNELS[name] for at, name in enumerate(header) if name in CHANNELS}
    if not columns:
        raise MotionError("its first line names no ARKit coefficient: give one as Live Link Face records it.")
    if len(set(columns.values())) < len(columns):
        raise MotionError("its first line names a coefficient twice: leave one of the columns out.")
    clock = next((header.index(name) for name in (TIMECODE, TIME) if name in header), None)
    if clock is None and fps is None:
        raise MotionError("it has no column Timecode or time: add one, or say how many frames a second it has.")
    lines, codes, numbers = list[int](), list[str](), array("f")
    comma = delimiter == ";"
    for line, row in rows:
        if clock is not None and clock >= len(row):
            raise MotionError(f"line {line} has {len(row)} columns, and the first line {len(header)}: it is cut off or damaged.")
        cells = [row[at].strip() if at < len(row) else "" for at in columns]
        if not any(cells):  # the face was lost
            continue
        numbers.extend(_number(cell, line, header[at], comma) for cell, at in zip(cells, columns, strict=True))
        lines.append(line)
        codes.append(row[clock] if clock is not None else str(len(codes)))
    values = np.zeros((len(lines), FACE_SIZE), np.float32)
    values[:, list(columns.values())] = np.frombuffer(numbers, np.float32).reshape(len(lines), len(columns))
    if clock is None:
        assert fps is not None
        return Samples(np.arange(len(lines)) / fps, values, fps)
    if header[clock] == TIMECODE:
        values[:, TURN] = np.degrees(values[:, TURN]) * LIVE_LINK_TURN
    if not lines:
        return Samples(np.zeros(0), values)
    codes = [code.replace(",", ".") for code in codes] if comma else codes
    times, counted = seconds_of(codes, fps, lines)
    return Samples(times, values, _shown_rate(times, counted))


def _shown_rate(times: NDArray[np.float64], counted: float | None) -> float | None:
    """The rate of the frames where timecodes count more of them than there are: cameras at 30 beside clocks at 60."""
    if counted is None or len(times) < 2:
        return counted
    every = max(round(float(np.median(np.diff(times))) * counted), 1)
    return counted / every


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(Number of the line, its cells) of every line that is not empty."""
    table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    while True:
        try:
            row = next(table)
        except StopIteration:
            return
        except csv.Error as error:
            raise MotionError(f"line {table.line_num + 1} is no line of a table ({error}): record it again.") from error
        if any(cell.strip() for cell in row):
            yield table.line_num, row


def _number(cell: str, line: int, column: str, comma: bool) -> float:
    try:
        number = float(cell.replace(",", ".") if comma else cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        said = f"{cell[:20]!r}" if cell else "nothing"
        raise MotionError(f"line {line} has {said} where {column} should be: give a finite number.")
    return min(max(number, -FARTHEST), FARTHEST)

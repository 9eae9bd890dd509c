"""The table of ``render-many``: CSV with a header; a row a video. What is wrong with a row is said with its line."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bithuman_core.background import Background
from bithuman_core.errors import BackgroundError, Failed
from bithuman_core.settings import MAX_SIDE, MIN_SIDE, find_avatar

NEEDED, OPTIONAL = ("avatar", "audio", "output"), ("style", "size", "background")
STYLES = {"": 0.0, "idle": 0.0, "calm": 0.8}  # stillness of the idle motion
VIDEOS = (".mp4", ".webm", ".mov", ".mkv", ".m4v")
LARGEST = 64 * 2**20  # bytes of a table
LONGEST = 4096  # characters of a field
EXAMPLE = "avatar,audio,output"


@dataclass(frozen=True, slots=True)
class Row:
    """A video: ``output`` is a name within the folder of all. size: longest side in px, None: the avatar's own."""

    line: int
    avatar: Path
    audio: Path
    output: str
    stillness: float = 0.0
    size: int | None = None
    background: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row cannot be rendered, a sentence."""

    line: int
    sentence: str


class _Wrong(ValueError):
    """A row that makes no sense."""


def read_rows(table: Path) -> tuple[list[Row], list[Fault]]:
    """The rows of a table, and what is wrong with others. Paths are relative to the table's own folder.

    Raises Failed for a file that is no such table at all.
    """
    try:
        with table.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise Failed(f"The table {str(table)!r} cannot be read ({error.strerror}): give a CSV file.") from error
    if len(content) > LARGEST:
        raise Failed(f"The table {str(table)!r} is larger than {LARGEST >> 20} MiB: split it.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Failed(f"The table {str(table)!r} is not UTF-8: save it as CSV in UTF-8.") from None
    return parse_rows(text, table.parent)


def parse_rows(text: str, folder: Path) -> tuple[list[Row], list[Fault]]:
    """The same of a table's text. Raises Failed."""
    lines = _lines(text)
    _, header = next(lines, (1, []))
    columns = [name.strip().lower() for name in header]
    _check(columns)
    rows, faults, taken = list[Row](), list[Fault](), dict[str, int]()
    for line, fields in lines:
        try:
            if len(fields) != len(columns):
                raise _Wrong(f"it has {len(fields)} fields, and the header {len(columns)}: put commas in quotation marks")
            row = _row(line, dict(zip(columns, map(str.strip, fields), strict=True)), folder)
            if row.output in taken:
                raise _Wrong(f"line {taken[row.output]} writes {row.output!r}, too: give it another name")
            taken[row.output] = line
            rows.append(row)
        except _Wrong as wrong:  # noqa: PERF203  # a row each
            faults.append(Fault(line, f"Line {line}: {wrong}."))
    return rows, faults


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """(line in the file, fields) of each row that is not empty. Raises Failed."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        begin = 1
        for fields in reader:
            if any(field.strip() for field in fields):
                yield begin, fields
            begin = reader.line_num + 1
    except csv.Error as error:
        raise Failed(f"Line {reader.line_num} of the table is no CSV ({error}): check its quotation marks.") from None


def _check(columns: list[str]) -> None:
    if missing := [name for name in NEEDED if name not in columns]:
        raise Failed(f"The table has no column {missing[0]!r}: begin it with a line like {EXAMPLE}.")
    if strange := [name for name in columns if name not in NEEDED + OPTIONAL]:
        raise Failed(f"The table has a column {strange[0][:40]!r}: there are {', '.join(NEEDED + OPTIONAL)}.")
    if len(set(columns)) < len(columns):
        raise Failed("The table has a column twice: leave one of them out.")


def _row(line: int, given: Mapping[str, str], folder: Path) -> Row:
    for name, value in given.items():
        if len(value) > LONGEST or "\0" in value:
            raise _Wrong(f"{name} is too long, or holds a null character")
    for name in NEEDED:
        if not given[name]:
            raise _Wrong(f"{name} is empty: say one")
    style = given.get("style", "").lower()
    if style not in STYLES:
        raise _Wrong(f"style is {style[:40]!r}: give idle or calm, or leave it empty")
    avatar, audio = find_avatar(_at(folder, given["avatar"], keep_bare=True)), _at(folder, given["audio"])
    for name, path in (("avatar", avatar), ("audio", audio)):
        if not _is_file(path):
            raise _Wrong(f"{name}: there is no file {str(path)!r}")
    return Row(line, avatar, audio, _output(given["output"]), STYLES[style], _size(given.get("size", "")), _background(given))


def _at(folder: Path, name: str, *, keep_bare: bool = False) -> Path:
    """keep_bare: the name of a shipped avatar is no path."""
    path = folder / name
    return Path(name) if keep_bare and "/" not in name and not _is_file(path) else path


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that there cannot be
        return False


def _output(name: str) -> str:
    path = Path(name)
    if path.is_absolute() or ".." in path.parts or name.endswith("/"):
        raise _Wrong(f"output is {name[:80]!r}: give a name within the folder of all videos")
    if path.suffix.lower() not in VIDEOS:
        raise _Wrong(f"output is {name[:80]!r}: give a name that ends in {', '.join(VIDEOS)}")
    return str(path)


def _size(text: str) -> int | None:
    if not text:
        return None
    try:
        size = float(text)
    except ValueError:
        size = math.nan
    if not MIN_SIDE <= size <= MAX_SIDE or size != int(size):
        raise _Wrong(f"size is {text[:20]!r}: give the longest side, {MIN_SIDE} to {MAX_SIDE} px")
    return int(size)


def _background(given: Mapping[str, str]) -> str | None:
    """By name or colour: pictures would have to be carried along."""
    name = given.get("background", "")
    if not name:
        return None
    try:
        background = Background.named(name)
    except BackgroundError as error:
        raise _Wrong(f"background: {error.message.rstrip('.')}") from None
    if not background.opaque:
        raise _Wrong("background is transparent: render such a video by itself (bithuman-core render)")
    return name

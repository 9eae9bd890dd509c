"""The table of ``render-many``: what is read of it, and what is said of rows that make no sense."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bithuman_core.bulk.rows import NEEDED, OPTIONAL, Row, parse_rows, read_rows
from bithuman_core.errors import Failed
from bithuman_core.settings import models_dir, speech_clip

MARA, CLIP = models_dir() / "mara.imx", speech_clip()


def table(*rows: str, header: str = "avatar,audio,output,style,size,background") -> str:
    return "\n".join([header, *rows]) + "\n"


def test_a_row_says_what_is_rendered(tmp_path: Path) -> None:
    (tmp_path / "me.imx").write_bytes(MARA.read_bytes())
    (tmp_path / "say it.wav").write_bytes(b"RIFF")
    text = table('me.imx,"say it.wav",one/first.mp4,Calm,256,#102030', f"mara,{CLIP},second.webm,,,")
    rows, faults = parse_rows(text, tmp_path)
    assert faults == []
    assert rows[0] == Row(2, tmp_path / "me.imx", tmp_path / "say it.wav", "one/first.mp4", 0.8, 256, "#102030")
    assert rows[1] == Row(3, MARA, CLIP, "second.webm"), "a shipped avatar goes by its name, and what is empty is left out"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("mara,nothing.wav,a.mp4,,,", "audio: there is no file"),
        ("nobody,{clip},a.mp4,,,", "avatar: there is no file"),
        (",{clip},a.mp4,,,", "avatar is empty"),
        ("mara,{clip},../a.mp4,,,", "within the folder"),
        ("mara,{clip},/etc/a.mp4,,,", "within the folder"),
        ("mara,{clip},a.gif,,,", "ends in .mp4"),
        ("mara,{clip},a.mp4,wild,,", "idle or calm"),
        ("mara,{clip},a.mp4,,12,", "64 to 2160"),
        ("mara,{clip},a.mp4,,512.5,", "64 to 2160"),
        ("mara,{clip},a.mp4,,nan,", "64 to 2160"),
        ("mara,{clip},a.mp4,,,transparent", "by itself"),
        ("mara,{clip},a.mp4,,,mauve", "background"),
        ("mara,{clip},a.mp4", "3 fields"),
    ],
)
def test_a_row_that_makes_no_sense_is_told_with_its_line_and_harms_no_other(tmp_path: Path, row: str, says: str) -> None:
    good = f"mara,{CLIP},good.mp4,,,"
    rows, (fault,) = parse_rows(table(good, "", row.format(clip=CLIP)), tmp_path)
    assert [row.output for row in rows] == ["good.mp4"]
    assert fault.line == 4 and fault.sentence.startswith("Line 4: ") and says in fault.sentence and fault.sentence.endswith(".")


def test_two_rows_do_not_write_one_file(tmp_path: Path) -> None:
    rows, (fault,) = parse_rows(table(f"mara,{CLIP},a.mp4,,,", f"mara,{CLIP},./a.mp4,,,"), tmp_path)
    assert len(rows) == 1 and "line 2 writes" in fault.sentence


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column 'avatar'"),
        ("avatar,audio\n", "no column 'output'"),
        ("avatar,audio,output,colour\n", "'colour'"),
        ("avatar,audio,output,audio\n", "twice"),
        ('avatar,audio,output\n"a,b', "quotation marks"),
    ],
)
def test_what_is_no_such_table_is_refused_as_a_whole(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(Failed, match=says):
        parse_rows(text, tmp_path)


def test_a_table_of_a_spreadsheet_is_read(tmp_path: Path) -> None:
    path = tmp_path / "jobs.csv"
    path.write_bytes(b"\xef\xbb\xbf" + f"Avatar,Audio,Output\r\nmara,{CLIP},a.mp4\r\n".encode())
    rows, faults = read_rows(path)
    assert len(rows) == 1 and faults == []
    path.write_bytes(b"avatar,audio,output\n\xff\xfe\n")
    with pytest.raises(Failed, match="UTF-8"):
        read_rows(path)
    with pytest.raises(Failed, match="cannot be read"):
        read_rows(tmp_path / "nothing.csv")


FIELDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300) | st.lists(st.lists(FIELDS, max_size=7), max_size=6))
def test_no_table_breaks_the_reader(tmp_path: Path, content: str | list[list[str]]) -> None:
    if isinstance(content, list):
        file = io.StringIO()
        csv.writer(file).writerows([NEEDED + OPTIONAL, *content])
        content = file.getvalue()
    try:
        rows, faults = parse_rows(content, tmp_path)
    except Failed as error:
        assert error.message.endswith(".")
        return
    for row in rows:
        assert not Path(row.output).is_absolute() and ".." not in Path(row.output).parts
        assert row.avatar.is_file() and row.audio.is_file()
    assert all(fault.sentence.startswith(f"Line {fault.line}: ") and fault.sentence.endswith(".") for fault in faults)

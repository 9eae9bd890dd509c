"""Takes of others: every spelling and rate is read, whatever is wrong gets one sentence, and nothing else happens."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bithuman_core.errors import MotionError
from bithuman_core.face import ARKIT_NAMES, INDEX, FaceState
from bithuman_core.motion.export import LIVE_LINK_COLUMNS, Moment, MotionFormat, write
from bithuman_core.motion.take import Take, read_take, reading, take_of
from bithuman_core.motion.take.reading import take_of_bytes
from bithuman_core.motion.take.timecode import seconds_of

JAW = INDEX["jawOpen"]


def recorded(rows: int, fps: int = 60, begin: int = 0, every: int = 1, **columns: Sequence[float] | NDArray[np.float64]) -> str:
    """A table as Live Link Face records it: a row every so many frames of its clock; other columns hold 0."""
    file = io.StringIO()
    table = csv.writer(file)
    table.writerow(LIVE_LINK_COLUMNS)
    for k in range(rows):
        second, frame = divmod(begin + every * k, fps)
        code = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}:{frame:02d}.127"
        values = {"Timecode": code, "BlendShapeCount": 61} | {name: f"{column[k]:.10f}" for name, column in columns.items()}
        table.writerow([values.get(name, "0.0000000000") for name in LIVE_LINK_COLUMNS])
    return file.getvalue()


def read(text: str, fps: float | None = None) -> Take:
    return take_of_bytes(text.encode(), fps)


def ramp(count: int) -> NDArray[np.float64]:
    return np.arange(count, dtype=np.float64) / max(count - 1, 1)


# -- what is read ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("fps", "every"), [(24, 1), (25, 1), (30, 1), (60, 1), (60, 2)])
def test_a_recording_lasts_as_long_as_it_did_and_moves_as_evenly(fps: int, every: int) -> None:
    rows = 4 * fps // every
    take = read(recorded(rows, fps, begin=fps // 3, every=every, JawOpen=ramp(rows)))
    assert take.seconds == pytest.approx(4.0, abs=0.04)
    steps = np.diff(take.values[1:-1, JAW])
    assert np.allclose(steps, 1 / 100, atol=1e-3)


def test_at_25_frames_a_second_the_ticks_are_the_rows() -> None:
    jaw = np.round(np.random.default_rng(0).uniform(0, 1, 60), 10)
    assert np.array_equal(read(recorded(60, 25, begin=7, JawOpen=jaw.tolist())).values[:, JAW], jaw.astype(np.float32))


@given(st.integers(0, 24 * 3600 * 30 - 400), st.sampled_from([30, 60]))
def test_drop_frame_timecodes_run_as_evenly_as_the_camera(begin: int, fps: int) -> None:
    """Counted as SMPTE counts: two (four) numbers are left out each minute but every tenth."""
    dropped, codes = fps // 15, list[str]()
    in_ten = 600 * fps - 9 * dropped
    for k in range(begin, begin + 400):
        tens, rest = divmod(k, in_ten)
        number = k + 9 * dropped * tens + (dropped * ((rest - dropped) // (60 * fps - dropped)) if rest >= dropped else 0)
        second, frame = divmod(number, fps)
        codes.append(f"{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d};{frame:02d}")
    times, rate = seconds_of(codes, None, range(400))
    assert rate is not None and rate == pytest.approx(float(Fraction(fps * 1000, 1001)))
    assert np.allclose(np.diff(times), 1 / rate, atol=1e-6)


def test_a_recording_goes_on_beyond_midnight() -> None:
    codes = ["23:59:59:58.000", "23:59:59:59.000", "00:00:00:00.000", "00:00:00:01.000"]
    assert np.allclose(np.diff(seconds_of(codes, None, range(4))[0]), 1 / 60)


def test_a_rate_that_is_said_counts() -> None:
    text = recorded(600, 60, JawOpen=ramp(600))
    assert len(read(text, 59.94)) >= len(read(text)) == 250
    short = recorded(20, 60, JawOpen=ramp(20))
    with pytest.raises(MotionError, match="within one second"):
        read(short)
    assert len(read(short, 60)) == 8


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_spreadsheets_change_nothing(delimiter: str, encoding: str, end: str) -> None:
    plain = recorded(80, 60, JawOpen=ramp(80), HeadYaw=0.2 * ramp(80))
    rows = list(csv.reader(io.StringIO(plain)))
    rows[0].append("Bemerkung é")
    comma = (lambda cell: cell.replace(".", ",")) if delimiter == ";" else (lambda cell: cell)
    text = end.join(delimiter.join(map(comma, row)) for row in rows)
    assert np.array_equal(take_of_bytes(text.encode(encoding)).values, read(plain).values)


@pytest.mark.parametrize("spelled", ["jawOpen", "JAWOPEN", "Jaw_Open", " jaw open "])
def test_names_are_known_in_any_spelling(spelled: str) -> None:
    take = read(f"time,{spelled},eyeBlink_L\n0,0.25,0\n0.04,0.5,1\n")
    assert take.values[:, JAW].tolist() == [0.25, 0.5]
    assert take.values[1, INDEX["eyeBlinkLeft"]] == 1.0


def test_the_head_turns_as_the_recorder_means_it_and_ours_in_degrees() -> None:
    """Live Link Face: radians, + to the character's right and downwards."""
    turned = read(recorded(80, HeadYaw=[0.1] * 80, HeadPitch=[0.2] * 80, HeadRoll=[0.3] * 80)).values[0]
    assert [turned[INDEX[name]] for name in ("headYaw", "headPitch", "headRoll")] == pytest.approx(np.degrees([-0.1, -0.2, 0.3]))
    assert read("time,headYaw\n0,8\n").values[0, INDEX["headYaw"]] == 8.0


def test_what_a_recording_never_moves_is_the_avatars_own() -> None:
    take = read(recorded(80, JawOpen=ramp(80), BrowInnerUp=ramp(80)))
    driven = {name for name, is_driven in zip(INDEX, take.driven, strict=True) if is_driven}
    assert {"jawOpen", "mouthSmileLeft", "tongueOut", "browDownLeft", "noseSneerLeft"} <= driven
    assert not driven & {"eyeBlinkLeft", "eyeLookUpRight", "headYaw", "headX", "breath"}
    assert read(recorded(80, JawOpen=ramp(80))).spoken and not take.spoken and not take.without_mouth().driven[JAW]


def test_frames_without_a_face_are_bridged() -> None:
    lines = recorded(90, JawOpen=ramp(90)).splitlines()
    lost = [line if not 30 < k < 60 else line.split(",")[0] + ",0" for k, line in enumerate(lines)]
    assert np.allclose(read("\n".join(lost)).values[:, JAW], read("\n".join(lines)).values[:, JAW], atol=1e-3)


def test_rows_that_go_back_in_time_are_left_out() -> None:
    assert read("time,jawOpen\n0,0.1\n0.04,0.2\n0.04,0.9\n0.02,0.9\n0.08,0.3\n").values[:, JAW] == pytest.approx([0.1, 0.2, 0.3])


def test_values_out_of_range_are_cut() -> None:
    take = read("time,jawOpen,headYaw\n0,7,1e300\n0.04,-3,-1e300\n")
    assert take.values[:, JAW].tolist() == [1.0, 0.0] and np.abs(take.values[:, INDEX["headYaw"]]).tolist() == [180.0, 180.0]


@pytest.mark.parametrize("form", [MotionFormat.CSV, MotionFormat.ARKIT_CSV, MotionFormat.JSON])
def test_what_motion_writes_is_read_to_the_bit(form: MotionFormat) -> None:
    rng = np.random.default_rng(1)
    faces = [FaceState.from_mapping(dict(zip(ARKIT_NAMES, rng.uniform(0, 1, 52), strict=True))) for _ in range(60)]
    file = io.StringIO(newline="")
    write([Moment(face, "aa", 0.5, 1.0, 0.1, 0.6) for face in faces], file, form, 25)
    assert np.array_equal(read(file.getvalue()).values, np.stack([face.values for face in faces]))


# -- what is refused -------------------------------------------------------------------------------------------------------
HEAD = "time,jawOpen\n"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"), (" \n\r\n", "empty"), ("\0\0\0\0", "no text"), ("hello", "names no ARKit"),
        ("time,smile\n0,1\n", "names no"),
        (HEAD, "no frame"), (HEAD + "0,0\n0.04,0\n", "nothing moves"), (HEAD + "0,nan\n", "line 2 has 'nan'"),
        (HEAD + "0,0.1\n0.04,inf\n", "line 3 has 'inf'"), (HEAD + "0,1e999\n", "1e999"), (HEAD + "0,wide\n", "'wide'"),
        (HEAD + "yesterday,0.1\n", "the time 'yesterday'"), ("time,jawOpen,jaw_open\n0,1,1\n", "twice"),
        ("time,jawOpen,mouthClose\n0,1\n", "nothing where mouthclose"), ("jawOpen\n1\n", "no column Timecode"),
        (HEAD + "0,0.1\n9999,0.1\n", "cut it shorter"), ("a," * 2000 + "jawOpen\n", "columns"),
        (HEAD + f'0,"{"1" * 140_000}"', "line"),
        ("Timecode,JawOpen\n00:00:00:10,1\n00:00:01:99x,1\n", "the time"), ("{}", "names"), ("[1]", "no take"), ("{", "no take"),
        ('{"fps": 25, "names": ["smile"], "frames": []}', "smile"),
        ('{"fps": 25, "names": ["jawOpen"], "frames": []}', "no frame"),
        ('{"fps": NaN, "names": ["jawOpen"], "frames": [{"coefficients": [1]}]}', "not finite"),
        ('{"fps": 25, "names": ["jawOpen"], "frames": [{"coefficients": [1, 2]}]}', "2 coefficients for 1"),
        ('{"fps": 25, "names": ["jawOpen"], "frames": [{"coefficients": [null]}]}', "no number"),
        ('{"fps": 25, "names": ["jawOpen"], "frames": [{"coefficients": [1' + "0" * 400 + ']}]}', "not finite"),
        ('{"fps": 25, "names": ["jawOpen", "jawopen"], "frames": []}', "twice"), ("[" * 100_000, "nested"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "my take.csv"
    path.write_text(text)
    with pytest.raises(MotionError, match=word) as refused:
        read_take(path)
    said = refused.value.message
    assert said.startswith("'my take.csv' is no usable motion: ") and said.endswith((".", "}.")) and len(said) < 400


def test_a_missing_a_large_and_a_misjudged_file_get_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MotionError, match="check the path"):
        read_take(tmp_path / "none.csv")
    (tmp_path / "large.csv").write_bytes(bytes(2000))
    monkeypatch.setattr(reading, "MOST_BYTES", 1000)
    with pytest.raises(MotionError, match="larger"):
        read_take(tmp_path / "large.csv")
    with pytest.raises(MotionError, match="1 to 240"):
        read_take(tmp_path / "large.csv", fps=float("nan"))


CELLS = st.one_of(
    st.floats().map(repr),
    st.sampled_from(["", "0", "1", "0,5", '"', '"""', "\x00", "é", "00:00:01:12.5", "23:59:59;59", "-1e40"]), st.text(max_size=6),
)  # fmt: skip
NAMES = st.sampled_from(["Timecode", "time", "BlendShapeCount", "JawOpen", "jawOpen", "HeadYaw", "eyeBlink_L", "", "x"])


def check(content: bytes, fps: float | None = None) -> None:
    """Faces that can be drawn, or one sentence."""
    try:
        values = take_of_bytes(content, fps).values
    except MotionError as error:
        assert error.message.endswith((".", "}."))
    else:
        assert np.isfinite(values).all() and values[:, :52].min() >= 0 and values[:, :52].max() <= 1


@settings(max_examples=300, deadline=None)
@given(st.lists(NAMES, max_size=6), st.lists(st.lists(CELLS, max_size=7), max_size=6), st.sampled_from(",;\t|"),
       st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from([None, 25.0, 59.94, 1.0]))  # fmt: skip
def test_no_table_brings_it_down(names: list[str], rows: list[list[str]], delimiter: str, end: str, fps: float | None) -> None:
    check(end.join(delimiter.join(row) for row in [names, *rows]).encode("utf-8", "surrogatepass"), fps)


TREES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(
        st.sampled_from(["fps", "names", "frames", "coefficients", "time"]), inner, max_size=4)), max_leaves=12,
)  # fmt: skip


FRAMES = st.fixed_dictionaries({"coefficients": st.lists(st.one_of(st.floats(), TREES), min_size=1, max_size=2), "time": TREES})


@settings(max_examples=300, deadline=None)
@given(TREES, st.one_of(st.just(25), TREES), st.lists(st.one_of(TREES, FRAMES), max_size=3))
def test_no_document_brings_it_down(anything: object, fps: object, frames: list[object]) -> None:
    for document in (anything, {"fps": fps, "names": ["jawOpen"], "frames": frames}):
        check(b" " + json.dumps(document).encode())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_bring_it_down(content: bytes) -> None:
    for given_bytes in (content, b"{" + content, b"time,jawOpen\n" + content):
        check(given_bytes)


# -- a program's own arrays ------------------------------------------------------------------------------------------------
def test_arrays_drive_what_they_name() -> None:
    whole = take_of(np.full((5, 52), 2.0), np.tile([5.0, 6.0, 7.0], (5, 1)))
    assert len(whole) == 5 and whole.values[:, :52].max() == 1.0
    assert set(np.flatnonzero(~whole.driven)) == {INDEX[name] for name in ("headX", "headY", "headZ", "breath")}
    named = take_of({"jawOpen": [0.1, 0.2], "mouthFunnel": 0.5}, {"headYaw": 3.0})
    assert len(named) == 2 and named.driven.sum() == 3 and not named.spoken
    assert take_of({"jawOpen": 0.1}).spoken and len(take_of(np.zeros(52))) == 1


@pytest.mark.parametrize(
    ("coefficients", "head", "word"),
    [
        (np.zeros((3, 51)), None, r"\[3, 51\]: give \[n, 52\]"), (np.zeros((0, 52)), None, "no frames"),
        (np.full((1, 52), np.nan), None, "jawOpen|eyeBlinkLeft"), (np.zeros((1, 1, 52)), None, "dimensions"),
        ("smile", None, "no numbers"),
        ({"smile": 1}, None, "'smile'"), ({}, None, "no channel"), ({"jawOpen": [1, 2], "jawLeft": [1, 2, 3]}, None, "lengths"),
        ({"jawOpen": []}, None, "no frames"), ({"jawOpen": np.inf}, None, "finite"),
        (np.zeros((2, 52)), np.zeros((2, 4)), "give"),
        (np.zeros((2, 52)), np.zeros((3, 3)), "lengths"), (np.zeros((2, 52)), {"jawOpen": 1}, "'jawOpen'"),
    ],
)  # fmt: skip
def test_arrays_that_are_no_motion_get_a_sentence(coefficients: object, head: object, word: str) -> None:
    with pytest.raises(MotionError, match=word):
        take_of(coefficients, head)  # type: ignore[arg-type]

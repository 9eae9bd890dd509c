"""Motion files: every closure at every frame rate, the columns that tools expect, hours in constant memory, bad files refused."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
import wave
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bithuman_core import cli
from bithuman_core.audio import AudioFile
from bithuman_core.errors import AudioError
from bithuman_core.face import FaceState
from bithuman_core.motion.export import CLOSED_GAP, LIVE_LINK_COLUMNS, RATES, Moment, MotionFormat, at_rate, write
from bithuman_core.motion.recording import speech_motion
from tests.audio.test_file import write_wav
from tests.speech_clips import DATA, shipped_net


def moments(gaps: list[float]) -> list[Moment]:
    """Faces whose jaw is the gap, visemes that alternate."""
    names = ("aa", "PP")
    return [Moment(FaceState.from_mapping({"jawOpen": g}), names[g <= CLOSED_GAP], 0.9, 1.0, g, 0.6) for g in gaps]


@settings(deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.05, 0.1]), min_size=1, max_size=60), st.sampled_from(RATES))
def test_every_closure_survives_every_rate(gaps: list[float], fps: int) -> None:
    frames = list(at_rate(moments(gaps), fps))
    assert len(frames) == -(-len(gaps) * fps // 25), "as long as the sound"
    for tick, gap in enumerate(gaps):
        shown = [f for i, f in enumerate(frames) if abs((i + 0.5) / fps - (tick + 0.5) / 25) <= 0.5 / fps + 1e-9]
        assert gap > CLOSED_GAP or any(f.gap <= CLOSED_GAP and f.viseme == "PP" for f in shown), tick
    assert all(min(gaps) - 1e-6 <= f.face["jawOpen"] <= max(gaps) + 1e-6 for f in frames)


def test_a_slow_movement_is_as_smooth_at_60_as_at_25() -> None:
    ramp = np.linspace(0.03, 0.1, 50)
    jaw = np.array([f.face["jawOpen"] for f in at_rate(moments([float(g) for g in ramp]), 60)])
    assert np.abs(np.diff(jaw)).max() <= 1.01 * 25 / 60 * float(ramp[1] - ramp[0])


def test_a_lower_rate_than_the_nets_is_refused() -> None:
    with pytest.raises(ValueError, match="25 or more"):
        list(at_rate(moments([0.1]), 24))


def test_live_link_rows_have_its_columns_and_time() -> None:
    file = io.StringIO()
    write(moments([0.1] * 1600), file, MotionFormat.ARKIT_CSV, 25)
    rows = list(csv.reader(io.StringIO(file.getvalue())))
    assert tuple(rows[0]) == LIVE_LINK_COLUMNS
    assert rows[0][16:22] == ["JawForward", "JawRight", "JawLeft", "JawOpen", "MouthClose", "MouthFunnel"]
    assert {len(row) for row in rows} == {63} and {row[1] for row in rows[1:]} == {"61"}
    assert (rows[1][0], rows[26][0], rows[1501][0]) == ("00:00:00:00.000", "00:00:01:00.000", "00:01:00:00.000")
    assert {row[rows[0].index("JawOpen")] for row in rows[1:]} == {"0.100000"}


@pytest.mark.parametrize("count", [0, 1, 5])
def test_json_and_cues_are_json_and_tell_the_same(count: int) -> None:
    made = moments([0.0, 0.1, 0.1, 0.0, 0.1][:count])
    out = {}
    for form in (MotionFormat.JSON, MotionFormat.VISEMES):
        file = io.StringIO()
        write(made, file, form, 25)
        out[form] = json.loads(file.getvalue())
    frames, cues = out[MotionFormat.JSON]["frames"], out[MotionFormat.VISEMES]["cues"]
    assert len(frames) == count
    assert [c["viseme"] for c in cues] == ["PP", "aa", "PP", "aa"][: {0: 0, 1: 1, 5: 4}[count]]
    for frame in frames:
        assert [c["viseme"] for c in cues if c["start"] <= frame["time"] < c["end"]] == [frame["viseme"]]


@pytest.mark.parametrize("form", list(MotionFormat))
def test_the_command_writes_every_format(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, form: MotionFormat) -> None:
    out = tmp_path / "out"
    arguments = ["motion", DATA / "1688-142285-0008.flac", "-o", out, "--format", form.value, "--fps", "30", "--style", "1.2"]
    monkeypatch.setattr("sys.argv", ["bithuman-core", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    assert out.stat().st_size > 1000
    assert list(tmp_path.iterdir()) == [out], "nothing else is left behind"


def write_float(path: Path, samples: NDArray[np.float32], rate: int, channels: int = 1) -> Path:
    """A WAV of floats, which can hold NaN; samples [n, channels]."""
    data = samples.astype("<f4").tobytes()
    head = b"WAVEfmt " + np.array([16, 3 | channels << 16, rate, rate * 4 * channels, 4 * channels | 32 << 16], "<u4").tobytes()
    path.write_bytes(b"RIFF" + np.array([len(head) + 8 + len(data)], "<u4").tobytes() + head + b"data"
                     + np.array([len(data)], "<u4").tobytes() + data)  # fmt: skip
    return path


def test_five_channels_and_192_khz_are_heard(tmp_path: Path) -> None:
    tone = (0.3 * np.sin(np.arange(192_000) * 2 * np.pi * 300 / 192_000)).astype(np.float32)
    ticks = list(AudioFile(write_float(tmp_path / "a.wav", np.repeat(tone[:, None], 5, 1), 192_000, 5)).ticks())
    assert sum(t.size for t in ticks) == pytest.approx(16_000, abs=2)
    assert all(t.size == 640 for t in ticks[:-1])
    assert np.abs(np.concatenate(ticks)).max() == pytest.approx(0.3 * 32768, rel=0.05)


def test_bad_sound_gets_a_sentence(tmp_path: Path) -> None:
    hole = np.zeros((16_000, 1), np.float32)
    hole[9000] = np.nan
    write_float(tmp_path / "hole.wav", hole, 16_000)
    write_wav(tmp_path / "empty.wav", np.zeros(0, np.int16), 16_000)
    (tmp_path / "text.wav").write_text("no sound")
    for name, words in (("hole", "NaN"), ("empty", "no samples"), ("text", "cannot be read"), ("none", "check the path")):
        with pytest.raises(AudioError, match=words) as refused:
            list(AudioFile(tmp_path / f"{name}.wav").ticks())
        assert str(refused.value).endswith(".")


def test_ten_minutes_of_sound_are_read_in_constant_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        for _ in range(10):
            file.writeframes(bytes(2 * 8000 * 60))
    sound = AudioFile(path)
    assert sound.seconds == pytest.approx(600)
    tracemalloc.start()
    ticks = sum(1 for _ in sound.ticks())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert ticks == pytest.approx(600 * 25, abs=1)
    assert peak < 4 << 20, "they would be 19 MB of floats at 8 kHz"


def test_motion_is_a_stream() -> None:
    taken = 0

    def endless() -> Iterator[NDArray[np.int16]]:
        nonlocal taken
        while True:
            taken += 1
            yield np.zeros(640, np.int16)

    class Shut:
        gap, width = 0.0, 0.6

    made = speech_motion(shipped_net(), endless(), lambda _: Shut())
    for _ in range(10):
        next(made)
    assert taken <= 13


def test_the_files_of_the_container_are_told_from_sound(tmp_path: Path) -> None:
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        container.mux(stream.encode(None))
    with pytest.raises(AudioError, match="no audio track"):
        AudioFile(path)

"""The command line as its user meets it: real files in, real files out, a sentence and an exit code for what is wrong."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bithuman_core import cli
from bithuman_core.face import ARKIT_NAMES
from bithuman_core.settings import models_dir
from bithuman_core.speech.visemes import VISEME_NAMES
from tests.audio.test_file import write_wav

MARA = str(models_dir() / "mara.imx")


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """The exit code of ``bithuman-core ARGUMENTS``."""
    monkeypatch.setattr("sys.argv", ["bithuman-core", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
        raise SystemExit(0)
    return int(ended.value.code or 0)


@pytest.fixture
def wav(tmp_path: Path, speech: NDArray[np.int16]) -> Path:
    return write_wav(tmp_path / "speech.wav", speech[:32000], 16000)


def test_render_writes_a_video(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wav: Path) -> None:
    out = tmp_path / "out.mp4"
    assert run(monkeypatch, "render", MARA, "-a", wav, "-o", out) == 0
    with av.open(str(out)) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (512, 512)
        assert sum(1 for _ in container.decode(video=0)) == 50
        assert "ynthetic" in container.metadata["comment"]


def test_motion_writes_the_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wav: Path) -> None:
    out = tmp_path / "motion.csv"
    assert run(monkeypatch, "motion", wav, "-o", out) == 0
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 50
    assert tuple(rows[0]) == ("time", "viseme", "lipGap", "mouthWidth", *ARKIT_NAMES, "headYaw", "headPitch", "headRoll")
    assert [float(r["time"]) for r in rows[:3]] == [0.0, 0.04, 0.08]
    assert {r["viseme"] for r in rows} <= set(VISEME_NAMES)
    gaps = np.array([float(r["lipGap"]) for r in rows])
    assert gaps.min() < 0.02 < 0.05 < gaps.max() < 0.3
    assert all(0.3 < float(r["mouthWidth"]) < 1.0 for r in rows)
    assert all(float(r["eyeBlinkLeft"]) == 0.0 for r in rows), "speech motion only"


def test_still_renders_poses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rest, posed = tmp_path / "rest.png", tmp_path / "posed.png"
    assert run(monkeypatch, "still", MARA, "-o", rest) == 0
    assert run(monkeypatch, "still", MARA, "--set", "jawOpen=.4", "--set", "headYaw=8", "-o", posed) == 0
    a, b = (np.asarray(Image.open(path)).astype(int) for path in (rest, posed))
    assert a.shape == (512, 512, 3)
    assert np.abs(a - b).mean() > 1.0


def test_still_renders_a_batch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    frames = [
        {"file": "a_00.webp", "coefficients": {"jawOpen": 0.3}, "head": {"yaw": 5.0, "pitch": 0.0, "roll": 0.0}},
        {"file": "a_01.webp", "coefficients": {}, "head": {"yaw": 0.0, "pitch": 0.0, "roll": 0.0}},
    ]
    batch = tmp_path / "frames.json"
    batch.write_text(json.dumps({"frames": frames}))
    assert run(monkeypatch, "still", MARA, "--batch", batch, "-d", tmp_path / "made") == 0
    assert sorted(p.name for p in (tmp_path / "made").iterdir()) == ["a_00.png", "a_01.png"]


def test_info_speaks_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "info", MARA, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["name"], facts["kind"], facts["canvas"]) == ("Mara", "portrait", [512, 512])
    assert "ICT-FaceKit" in json.dumps(facts["provenance"])


def test_bench_prints_its_figures(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "bench", MARA, "--json", "--seconds", 1) == 0
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) == {"x_realtime", "tick_ms_p50", "tick_ms_p99", "stages", "first_frame_s", "rss_mb"}
    assert set(figures["stages"]) == {"speech", "motion", "render"}
    assert all(value > 0 for value in figures["stages"].values())
    assert figures["tick_ms_p50"] <= figures["tick_ms_p99"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("info", "none.imx"), 66, "no avatar file"),
        (("info", __file__), 66, "does not begin like"),
        (("render", MARA, "-a", "none.wav", "-o", "out.mp4"), 70, "check the path"),
        (("render", MARA, "-a", __file__, "-o", "out.mp4"), 70, "cannot be read as audio"),
        (("still", MARA), 2, "give either"),
        (("still", MARA, "--set", "smile=1", "-o", "out.png"), 2, "smile"),
        (("still", MARA, "--set", "jawOpen", "-o", "out.png"), 2, "NAME=VALUE"),
        (("still", MARA, "--set", "jawOpen=nan", "-o", "out.png"), 2, "finite"),
        (("still", MARA, "-o", "no/such/folder/out.png"), 2, "does not exist"),
        (("still", MARA, "--batch", __file__, "-d", "made"), 2, "not a list of poses"),
    ],
)
def test_what_is_wrong_gets_a_sentence_and_a_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: tuple[str, ...],
    code: int,
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *arguments) == code
    shown = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert says in shown
    assert "Traceback" not in shown
    assert list(tmp_path.iterdir()) == []


def test_list_and_doctor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "list") == 0
    assert {"Erik", "Mara", "Theo"} <= set(capsys.readouterr().out.split())
    assert run(monkeypatch, "doctor") == 0
    assert "speech net" in capsys.readouterr().out


@pytest.mark.parametrize(("size", "quality"), [(128, "low"), (720, "high")])
def test_the_size_of_a_video(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wav: Path, size: int, quality: str) -> None:
    out = tmp_path / "out.mp4"
    assert run(monkeypatch, "generate", MARA, "--audio", wav, "--output", out, "--size", size, "--quality", quality) == 0
    with av.open(str(out)) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (size, size)


def test_a_commercial_avatar_cannot_be_converted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = tmp_path / "theirs.imx"
    foreign.write_bytes(b"IMX\0" + bytes(100))
    assert run(monkeypatch, "convert", foreign) == 66
    assert "build" in capsys.readouterr().err

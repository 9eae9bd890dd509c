"""The command line as its user meets it: real files in, real files out, a sentence and an exit code for what is wrong."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bithuman_core import __version__, cli
from bithuman_core.face import ARKIT_NAMES
from bithuman_core.imx import read_imx
from bithuman_core.settings import models_dir, settings, speech_clip
from bithuman_core.speech.visemes import VISEME_NAMES
from tests.audio.test_file import write_wav
from tests.footage import Filmed
from tests.kinds import each_kind

MARA = str(models_dir() / "mara.imx")
CLIP = str(speech_clip())


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


@each_kind
def test_render_writes_a_video(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wav: Path, avatar_path: Path) -> None:
    out = tmp_path / "out.mp4"
    assert run(monkeypatch, "render", avatar_path, "-a", wav, "-o", out) == 0
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


def pictures(path: Path) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_motion_out_and_in_again_is_the_same_video(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wav: Path) -> None:
    spoken, take, driven = tmp_path / "spoken.mp4", tmp_path / "take.csv", tmp_path / "driven.mp4"
    assert run(monkeypatch, "render", MARA, "-a", wav, "-o", spoken, "--seed", 3) == 0
    assert run(monkeypatch, "motion", wav, "-o", take, "--format", "arkit-csv") == 0
    assert run(monkeypatch, "render", MARA, "-a", wav, "--motion", take, "-o", driven, "--seed", 3) == 0
    assert len(pictures(spoken)) == 50 and np.array_equal(pictures(spoken), pictures(driven))


def test_a_take_is_done_alone_or_with_a_sound(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wav: Path) -> None:
    take, out = tmp_path / "take.json", tmp_path / "out.mp4"
    frames = [{"coefficients": [0.8, 0.9, 0.9, 0.0 if k < 40 else 8.0]} for k in range(75)]
    take.write_text(json.dumps({"fps": 25, "names": ["jawOpen", "browInnerUp", "eyeBlinkLeft", "headYaw"], "frames": frames}))
    shown = {}
    for case in ((), ("-a", wav), ("-a", wav, "--mouth", "speech")):
        assert run(monkeypatch, "render", MARA, "-m", take, "-o", out, "--size", 256, *case) == 0
        shown[len(case)] = pictures(out)
        with av.open(str(out)) as container:
            assert container.streams.audio
    assert [len(each) for each in shown.values()] == [75, 75, 75], "as long as the longer of the two"
    open_mouth, spoken = (np.mean([np.abs(shown[k][12].astype(int) - shown[0][12])]) for k in (2, 4))
    assert open_mouth < 2 < 1.5 * spoken


def test_info_says_what_an_avatar_does_not_follow(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], film: Filmed
) -> None:
    assert run(monkeypatch, "info", MARA, "--json") == 0
    assert json.loads(capsys.readouterr().out)["not_followed"] == ["tongueOut"]
    assert run(monkeypatch, "info", film.path, "--json") == 0
    left_out = set(json.loads(capsys.readouterr().out)["not_followed"])
    assert {"headYaw", "headX", "eyeBlinkLeft", "eyeLookUpRight"} <= left_out and "jawOpen" not in left_out


@each_kind
def test_still_renders_poses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, avatar_path: Path) -> None:
    rest, posed = tmp_path / "rest.png", tmp_path / "posed.png"
    assert run(monkeypatch, "still", avatar_path, "-o", rest) == 0
    assert run(monkeypatch, "still", avatar_path, "--set", "jawOpen=.4", "--set", "mouthSmileLeft=.5", "-o", posed) == 0
    a, b = (np.asarray(Image.open(path)).astype(int) for path in (rest, posed))
    assert a.shape == (512, 512, 3)
    assert np.abs(a - b).mean() > 0.3


@each_kind
def test_still_renders_a_batch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, avatar_path: Path) -> None:
    frames = [
        {"file": "a_00.webp", "coefficients": {"jawOpen": 0.3}, "head": {"yaw": 5.0, "pitch": 0.0, "roll": 0.0}},
        {"file": "a_01.webp", "coefficients": {}, "head": {"yaw": 0.0, "pitch": 0.0, "roll": 0.0}},
    ]
    batch = tmp_path / "frames.json"
    batch.write_text(json.dumps({"frames": frames}))
    assert run(monkeypatch, "still", avatar_path, "--batch", batch, "-d", tmp_path / "made") == 0
    assert sorted(p.name for p in (tmp_path / "made").iterdir()) == ["a_00.png", "a_01.png"]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["a.png", "b/a.jpg"], "two frames"),
        (["x" * 300], "File name too long"),
        (["a\0b"], "null"),
        (["\ud800"], "cannot be written"),
        ([7], "not a list of poses"),
        (["taken"], "is a folder"),
    ],
)
def test_a_batch_whose_pictures_cannot_be_written_is_refused_before_work_begins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], names: list[object], says: str
) -> None:
    batch, made = tmp_path / "frames.json", tmp_path / "made"
    (made / "taken.png").mkdir(parents=True)
    batch.write_text(json.dumps({"frames": [{"file": name, "coefficients": {}} for name in ("first.png", *names)]}))
    assert run(monkeypatch, "still", MARA, "--batch", batch, "-d", made) == 2
    assert says in " ".join(capsys.readouterr().err.replace("│", "").split())
    assert [path.name for path in made.iterdir()] == ["taken.png"]


def test_a_batch_stays_in_its_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    batch, made = tmp_path / "frames.json", tmp_path / "made"
    batch.write_text(json.dumps({"frames": [{"file": name, "coefficients": {}} for name in (f"{tmp_path}/out/up.png", "../b")]}))
    assert run(monkeypatch, "still", MARA, "--batch", batch, "-d", made) == 0
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png")) == ["made/b.png", "made/up.png"]


@pytest.mark.parametrize("value", ["1" + "0" * 400, "1e999", '"much"', "[" * 900 + "]" * 900])
def test_a_batch_of_odd_numbers_gets_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    batch = tmp_path / "frames.json"
    batch.write_text('{"frames": [{"file": "a.png", "coefficients": {"jawOpen": VALUE}}]}'.replace("VALUE", value))
    assert run(monkeypatch, "still", MARA, "--batch", batch, "-d", tmp_path / "made") == 2
    assert "Traceback" not in capsys.readouterr().err


def test_info_speaks_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "info", MARA, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["name"], facts["kind"], facts["canvas"]) == ("Mara", "portrait", [512, 512])
    assert "ICT-FaceKit" in json.dumps(facts["provenance"])


def test_info_says_what_a_film_cannot_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], film: Filmed
) -> None:
    assert run(monkeypatch, "info", film.path, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["kind"] == "footage" and "smile" in facts["gestures"]
    assert run(monkeypatch, "validate", film.path) == 0
    assert "mara_film.imx is a sound avatar" in capsys.readouterr().out


def test_films_are_listed_among_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], film: Filmed
) -> None:
    monkeypatch.setenv("BITHUMAN_MODEL_ROOT", str(film.path.parent))
    settings.cache_clear()
    try:
        assert run(monkeypatch, "list", "--json") == 0
    finally:
        settings.cache_clear()
    assert json.loads(capsys.readouterr().out) == [{"file": str(film.path), "name": "Mara on film", "kind": "footage"}]


@each_kind
def test_bench_prints_its_figures(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], avatar_path: Path) -> None:
    assert run(monkeypatch, "bench", avatar_path, "--json", "--seconds", 1) == 0
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
        (("still", MARA, "-o", "."), 2, "is a folder"),
        (("still", MARA, "-o", ""), 2, "is a folder"),
        (("still", MARA, "-o", "out"), 2, "ends in .png"),
        (("still", MARA, "-o", "out.txt"), 2, "ends in .png"),
        (("still", MARA, "-o", "x" * 300 + ".png"), 2, "cannot be written"),
        (("still", MARA, "-o", "out.png", "--size", "10"), 2, "from 64 to 2160"),
        (("still", MARA, "-o", "out.png", "--size", "-5"), 2, "from 64 to 2160"),
        (("still", MARA, "-o", "out.png", "--size", "5000"), 2, "from 64 to 2160"),
        (("still", MARA, "--set", "[/2]=1", "-o", "out.png"), 2, "[/2]"),
        (("render", MARA, "-a", CLIP, "-o", "."), 2, "is a folder"),
        (("render", MARA, "-a", CLIP, "-o", "no/out.mp4"), 2, "does not exist"),
        (("render", MARA, "-a", CLIP, "-o", "out.avi"), 2, "ends in .mp4"),
        (("render", MARA, "-a", CLIP, "-o", "out.gif"), 2, "ends in .mp4"),
        (("render", MARA, "-a", CLIP, "-o", CLIP), 2, "a name of its own"),
        (("render", MARA, "-a", CLIP, "-o", "out.mp4", "--size", "10"), 2, "from 64 to 2160"),
        (("render", MARA, "-a", "a [red] [/2].wav", "-o", "out.mp4"), 70, "'a [red] [/2].wav'"),
        (("render", MARA, "-o", "out.mp4"), 2, "give a sound (--audio), a take (--motion), or both"),
        (("render", MARA, "-m", "none.csv", "-o", "out.mp4"), 70, "no motion file 'none.csv'"),
        (("render", MARA, "-m", __file__, "-o", "out.mp4"), 70, "names no ARKit coefficient"),
        (("render", MARA, "-m", CLIP, "-o", CLIP), 2, "a name of its own"),
        (("render", MARA, "-m", __file__, "--motion-fps", "0", "-o", "out.mp4"), 70, "give 1 to 240"),
        (("motion", CLIP, "-o", CLIP), 2, "a name of its own"),
        (("motion", CLIP, "-o", "."), 2, "is a folder"),
        (("info", "[bold]none.imx"), 66, "'[bold]none.imx'"),
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


def test_a_shipped_avatar_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wav: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (("info", "mara"), ("validate", "mara.imx"), ("still", "theo", "-o", "out.png")):
        assert run(monkeypatch, *arguments) == 0
    assert run(monkeypatch, "motion", wav, "-o", "out.csv", "--avatar", "erik") == 0


def test_the_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"bithuman-core {__version__}\n"


def test_brackets_are_no_markup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a [bold] [fastrtc] [2] :smile: with a name that is a good deal longer than a line of the console.mp4"
    silence = write_wav(tmp_path / "short.wav", np.zeros(1280, np.int16), 16000)
    assert run(monkeypatch, "render", MARA, "-a", silence, "-o", out) == 0
    assert f"{out}: 2 frames" in capsys.readouterr().err
    assert out.is_file()


def test_output_width_is_obeyed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OUTPUT_WIDTH", "128")
    settings.cache_clear()
    try:
        silence = write_wav(tmp_path / "short.wav", np.zeros(1280, np.int16), 16000)
        assert run(monkeypatch, "render", MARA, "-a", silence, "-o", tmp_path / "out.mp4") == 0
        assert run(monkeypatch, "still", MARA, "-o", tmp_path / "out.png") == 0
    finally:
        settings.cache_clear()
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].width == 128
    assert Image.open(tmp_path / "out.png").size == (128, 128)


def test_an_input_survives_whatever_its_second_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wav: Path) -> None:
    before = wav.read_bytes()
    link, hard = tmp_path / "link.mp4", tmp_path / "hard.mp4"
    link.symlink_to(wav)
    hard.hardlink_to(wav)
    for second in (link, hard):
        assert run(monkeypatch, "render", MARA, "-a", wav, "-o", second) == 2
    assert wav.read_bytes() == before


def test_a_device_takes_the_video_and_stays_a_device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    silence = write_wav(tmp_path / "short.wav", np.zeros(1280, np.int16), 16000)
    assert run(monkeypatch, "render", MARA, "-a", silence, "-o", "/dev/null") == 0
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_ended_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    program = (
        f"import signal, sys; from pathlib import Path; signal.signal({int(number)}, signal.SIG_DFL)\n"  # nohup hands it on
        "from bithuman_core.cli.ending import cleaning_up; from bithuman_core.files import replacing\n"
        "with cleaning_up(), replacing(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_bytes(b'half'); print('working', flush=True); signal.pause()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "out.mp4")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as child:
        assert child.stdout is not None and child.stdout.readline() == b"working\n"
        child.send_signal(number)
        assert child.wait(60) == 128 + number
    assert list(tmp_path.iterdir()) == []


def test_say_writes_a_video_of_a_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, avatar_path: Path) -> None:
    out = tmp_path / "said.mp4"
    assert run(monkeypatch, "say", "Hello there.", "--avatar", avatar_path, "-o", out) == 0
    with av.open(str(out)) as container:
        assert 20 < sum(1 for _ in container.decode(video=0)) < 60


@pytest.mark.parametrize("wrong", [("--voice", "nobody's"), ("--timbre", "child")])
def test_say_refuses_a_voice_that_is_not_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, avatar_path: Path, wrong: tuple[str, str]
) -> None:
    assert run(monkeypatch, "say", "Hello.", "--avatar", avatar_path, "-o", tmp_path / "a.mp4", *wrong) == 70
    assert not list(tmp_path.glob("*.mp4"))


@each_kind
def test_render_cuts_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wav: Path, avatar_path: Path) -> None:
    out, frames = tmp_path / "out.webm", tmp_path / "frames"
    assert run(monkeypatch, "render", avatar_path, "-a", wav, "-o", out, "--background", "transparent", "--size", 128) == 0
    with av.open(str(out)) as container:
        assert container.streams.video[0].codec_context.name.startswith(("vp9", "libvpx"))
        assert sum(1 for _ in container.decode(video=0)) == 50
    assert run(monkeypatch, "render", avatar_path, "-a", wav, "-o", f"{frames}/", "--background", "transparent") == 0
    with Image.open(frames / "frame_00049.png") as image:
        alpha = np.asarray(image)[..., 3]
    assert image.mode == "RGBA" and (alpha == 0).any() and (alpha == 255).any()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-o", "out.mp4", "--background", "transparent"], ".webm"),
        (["-o", "out.mp4", "--background", "#12"], "#12"),
        (["-o", "out.mp4", "--background", "no-such.png"], "no-such.png"),
        (["-o", "out.avi"], ".mp4"),
    ],
)
def test_a_background_that_cannot_be_is_refused_before_work_begins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wav: Path, capsys: pytest.CaptureFixture[str], arguments: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "render", MARA, "-a", wav, *arguments) == 2
    assert says in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [wav.name]


def test_still_before_a_picture_and_cut_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    room, out = tmp_path / "room.png", tmp_path / "out.png"
    Image.new("RGB", (30, 20), (9, 90, 200)).save(room)
    assert run(monkeypatch, "still", MARA, "-o", out, "--background", room) == 0
    with Image.open(out) as image:
        assert image.getpixel((2, 2)) == (9, 90, 200)
    assert run(monkeypatch, "still", MARA, "-o", out, "--background", "transparent", "--size", 100) == 0
    with Image.open(out) as image:
        assert image.mode == "RGBA" and image.getpixel((1, 1)) == (0, 0, 0, 0)
    assert run(monkeypatch, "still", MARA, "-o", tmp_path / "out.jpg", "--background", "transparent") == 2


def test_a_persona_is_kept_in_the_file_and_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.imx"
    shutil.copy(MARA, own)
    assert run(monkeypatch, "persona", own, " You sell tea. ") == 0
    before, after = read_imx(MARA), read_imx(own)
    assert after.manifest.persona == "You sell tea." and before.manifest.persona == ""
    assert all(np.array_equal(array, after.arrays[name]) for name, array in before.arrays.items())
    capsys.readouterr()
    assert run(monkeypatch, "info", own) == 0 and "persona: You sell tea." in capsys.readouterr().out
    kept = own.read_bytes()
    assert run(monkeypatch, "persona", own, "x" * 4001) == 66 and own.read_bytes() == kept
    assert run(monkeypatch, "persona", own, "") == 0 and read_imx(own).manifest.persona == ""

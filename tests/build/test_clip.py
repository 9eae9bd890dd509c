"""A short clip in the place of a photo: its calmest picture is taken, its teeth and lids used, broken files get a sentence."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

pytest.importorskip("ai_edge_litert", reason="the photo builder's extra is not installed")

from bithuman_core.audio import write_video
from bithuman_core.build import analyse, avatar_file
from bithuman_core.build.assemble import assemble
from bithuman_core.build.photo import clip, rim
from bithuman_core.build.photo.clip import Clip
from bithuman_core.build.photo.observed import Observed
from bithuman_core.build.photo.portrait import Portrait
from bithuman_core.build.photo.sources import is_clip
from bithuman_core.errors import BuildError, ModelNotFoundError
from bithuman_core.face import FaceState
from bithuman_core.imx import read_imx, write_imx
from bithuman_core.render import PortraitRenderer, read_rig
from bithuman_core.settings import models_dir
from tests.cli.test_cli import run

DATA = Path(__file__).parents[1] / "data"
BLINK = {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}
TOOTHY = {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.8, "mouthUpperUpLeft": 0.5, "mouthUpperUpRight": 0.5, "jawOpen": 0.2}
POSES = {"open": {"jawOpen": 0.5}, "smile": TOOTHY, "blink": BLINK, "turned": {"headYaw": 9.0}, "neutral": {},
         "surprised": {"browInnerUp": 0.9}}  # fmt: skip
EACH = 0.4  # s of every pose


def video(frames: Iterable[NDArray[np.uint8]], rate: int = 10, format: str = "mp4", codec: str = "libx264", *, start: int = 0,
          pixel_shape: Fraction = Fraction(1)) -> bytes:  # fmt: skip
    """A silent video of RGB frames whose clock begins at start (s); pixel_shape: width to height of its px."""
    stream = io.BytesIO()
    with av.open(stream, "w", format=format) as container:
        out = None
        for number, frame in enumerate(frames):
            if out is None:
                out = container.add_stream(codec, rate=rate)
                out.height, out.width = frame.shape[:2]
                out.pix_fmt = "yuv420p"
                out.codec_context.sample_aspect_ratio = pixel_shape
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = start * rate + number, Fraction(1, rate)
            container.mux(out.encode(picture))
        assert out is not None
        container.mux(out.encode())
    return stream.getvalue()


def flat(count: int, size: tuple[int, int] = (96, 96)) -> Iterable[NDArray[np.uint8]]:
    """Frames [h, w, 3] that grow brighter."""
    return (np.full((*size, 3), 40 + 9 * k % 180, np.uint8) for k in range(count))


def renderer(avatar: Path) -> PortraitRenderer:
    return PortraitRenderer(read_rig(read_imx(avatar)))


@pytest.fixture(scope="module")
def theo() -> dict[str, NDArray[np.uint8]]:
    drawn = renderer(models_dir() / "theo.imx")
    return {name: drawn.render(FaceState.from_mapping(pose))[..., ::-1].copy() for name, pose in POSES.items()}


@pytest.fixture(scope="module")
def acted(theo: dict[str, NDArray[np.uint8]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Theo in POSES, one after the other, with sound."""
    path = tmp_path_factory.mktemp("clip") / "theo.mp4"
    frames = [frame[..., ::-1].copy() for frame in theo.values() for _ in range(round(25 * EACH))]
    write_video(path, frames, np.zeros(round(16_000 * EACH * len(POSES)), np.int16), 16_000)
    return path


@pytest.fixture(scope="module")
def portrait(acted: Path) -> Portrait:
    return analyse(acted)


def pose_at(seconds: float) -> str:
    return list(POSES)[int(seconds / EACH)]


def test_the_calmest_picture_is_taken(portrait: Portrait) -> None:
    assert pose_at(portrait.provenance["source"]["seconds"]) == "neutral"
    assert portrait.provenance["source"]["kind"] == "clip" and len(portrait.provenance["source"]["sha256"]) == 64
    assert portrait.blendshapes["jawOpen"] < 0.1 and portrait.blendshapes["eyeBlinkLeft"] < 0.3
    assert any("of the clip was used" in note for note in portrait.notes)


def test_teeth_and_lids_come_from_where_they_show(portrait: Portrait) -> None:
    seen = portrait.observed
    assert seen.teeth is not None and pose_at(seen.teeth.seconds) in ("smile", "open")
    assert seen.cavity is not None and pose_at(seen.cavity.seconds) == "open"
    assert seen.lids is not None and pose_at(seen.lids.seconds) == "blink"
    assert seen.teeth.colour.mean() > 1.5 > 0.5 > seen.cavity.colour.mean(), "against the cheeks of a dark face"


def test_the_avatar_has_the_persons_own_teeth(portrait: Portrait, theo: dict[str, NDArray[np.uint8]], tmp_path: Path) -> None:
    """Yellow teeth, seen in a smile alone, are yellow in the avatar; of a still they are the usual ones."""
    assert portrait.observed.teeth is not None
    yellow = replace(portrait.observed.teeth, colour=portrait.observed.teeth.colour * np.array([1, 0.9, 0.72], np.float32))
    blues = []
    for name, observed in (("clip", Observed(teeth=yellow)), ("still", Observed())):
        write_imx(tmp_path / f"{name}.imx", *assemble(replace(portrait, observed=observed), name))
        frame = renderer(tmp_path / f"{name}.imx").render(FaceState.from_mapping(TOOTHY)).astype(float)
        mouth = frame[250:420, 180:330].reshape(-1, 3)
        bright = mouth[mouth.min(1) > np.quantile(mouth.min(1), 0.985)]
        blues.append(float((bright[:, 0] / bright[:, 2]).mean()))
    assert blues[0] < 0.93 * blues[1]


def test_one_picture_is_treated_like_a_photo(theo: dict[str, NDArray[np.uint8]]) -> None:
    alone = analyse(video([theo["neutral"]]))
    assert any("Only one picture" in note for note in alone.notes)
    assert alone.observed.teeth is None and alone.observed.lids is None


def test_clips_that_cannot_be_used_get_the_sentence_of_their_best_picture(theo: dict[str, NDArray[np.uint8]]) -> None:
    with pytest.raises(BuildError, match=r"no picture of the clip.* closed \(lids"):
        analyse(video([theo["blink"]] * 5))
    with pytest.raises(BuildError, match=r"no picture of the clip.*no human face"):
        analyse(video(flat(5)))


# --- reading files


def test_photos_and_clips_are_told_apart(tmp_path: Path) -> None:
    one = video(flat(1))
    assert is_clip(one) and is_clip(video(flat(1), format="matroska")) and is_clip("anything.MOV")
    assert not is_clip((DATA / "astronaut.jpg").read_bytes()) and not is_clip(b"") and not is_clip("none.jpg")
    assert all(is_clip(video(flat(3), 10, *container)) for container in CONTAINERS)
    assert not is_clip(b"\0\0\0\x18ftypavif") and not is_clip(b"\0\0\0\x18ftypheic")
    (tmp_path / "renamed.jpg").write_bytes(one)
    assert is_clip(tmp_path / "renamed.jpg")


CONTAINERS = [("mp4", "libx264"), ("mov", "mpeg4"), ("matroska", "libx264"), ("webm", "libvpx-vp9"), ("avi", "mpeg4"),
              ("mpegts", "libx264"), ("asf", "wmv2"), ("flv", "flv")]  # fmt: skip


@pytest.mark.parametrize(("format", "codec"), CONTAINERS)
def test_every_container_gives_its_pictures_in_order(format: str, codec: str) -> None:
    found = list(Clip(video(flat(20), 10, format, codec)).pictures())
    assert len(found) == 10 and all(image.size == (96, 96) for _, image in found)
    np.testing.assert_allclose(np.diff([seconds for seconds, _ in found]), 0.2, atol=0.02)
    assert np.all(np.diff([float(np.asarray(image).mean()) for _, image in found]) > 0)


@pytest.mark.parametrize("start", [75, 3600])
@pytest.mark.parametrize(("format", "codec"), [c for c in CONTAINERS if c[0] != "avi"])  # whose clock always begins at 0
def test_a_clock_that_begins_late_counts_from_the_first_picture(format: str, codec: str, start: int) -> None:
    source = Clip(video(flat(20), 10, format, codec, start=start))
    times = [seconds for seconds, _ in source.pictures()]
    np.testing.assert_allclose(times, np.arange(10) / 5, atol=0.02)
    assert source.notes == []


def test_bars_are_cut_off_every_picture() -> None:
    scene = np.random.default_rng(0).integers(60, 220, (3, 128, 160, 3), np.uint8)
    barred = [np.pad(picture, ((24, 24), (0, 0), (0, 0))) for picture in scene]
    source = Clip(video([np.zeros_like(barred[0]), *barred, *barred], 5))
    sizes = [image.size for _, image in source.pictures()]
    assert sizes[0] == (160, 176) and all(124 <= height <= 128 for _, height in sizes[1:]), "after a dark beginning"
    assert source.notes == [rim.NOTE]


SHAPES = [(Fraction(2), (192, 96)), (Fraction(16, 11), (140, 96)), (Fraction(1, 2), (96, 192))]


@pytest.mark.parametrize(("shape", "size"), SHAPES)
def test_pixels_that_are_no_squares_are_stretched(shape: Fraction, size: tuple[int, int]) -> None:
    for format, codec in (("mp4", "libx264"), ("matroska", "libx264"), ("mpegts", "libx264"), ("avi", "mpeg4")):
        data = video(flat(2), 10, format, codec, pixel_shape=shape)
        assert [image.size for _, image in Clip(data).pictures()] == [size], format
    with pytest.raises(BuildError, match="px and 4096 a side are allowed"):
        list(Clip(video(flat(1), pixel_shape=Fraction(60))).pictures())


def test_few_pictures_of_a_long_clip_are_looked_at() -> None:
    long = Clip(video(flat(400), 5))
    times = [seconds for seconds, _ in long.pictures()]
    assert 50 <= len(times) <= clip.MAX_PICTURES and times[-1] < clip.MAX_SECONDS
    assert any("80 s long" in note for note in long.notes)


def test_a_clip_held_upright_is_seen_upright() -> None:
    """Phones store pictures as the sensor lies, and how it was held in the track's matrix (ISO 14496-12, tkhd)."""
    sideways = np.zeros((96, 128, 3), np.uint8)
    sideways[:, :64] = 255
    data = bytearray(video([sideways] * 3))
    place = data.index(b"tkhd") + 4 + 40 - 4
    one = 1 << 16
    matrix = (0, one, 0, -one, 0, 0, 0, 0, 1 << 30)  # a quarter clockwise
    data[place : place + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in matrix)
    _, image = next(Clip(bytes(data)).pictures())
    assert image.size == (96, 128)
    assert np.asarray(image)[:60].mean() > 240 and np.asarray(image)[70:].mean() < 15


def sound() -> bytes:
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        out = container.add_stream("aac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 16_000
        container.mux(out.encode(frame))
        container.mux(out.encode())
    return stream.getvalue()


def test_unusable_files_get_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = {
        b"": "cannot be read", b"#EXTM3U\nhttp://127.0.0.1/a.ts\n": "cannot be read", sound(): "sound alone",
        (DATA / "cat.jpg").read_bytes(): "cannot be read", video(flat(1, (64, 4112))): "4112 x 64 px and 4096",
        video(flat(1, (64, 64))): "64 x 64 px and 90", video(flat(3))[:60]: "cannot be read",
    }  # fmt: skip
    for number, (data, message) in enumerate(cases.items()):
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(data)
        with pytest.raises(BuildError, match=message):
            analyse(path)
    with pytest.raises(BuildError, match="cannot read the clip"):
        analyse(tmp_path / "none.mp4")
    monkeypatch.setattr(clip, "MAX_BYTES", 1 << 20)
    with pytest.raises(BuildError, match="2 MiB and 1 are allowed"):
        Clip(bytes(2 << 20))


SEEDS = [video(flat(12), 10, format, codec) for format, codec in (("mp4", "libx264"), ("matroska", "libx264"), ("mov", "mpeg4"))]
CHANGES = st.lists(st.tuples(st.integers(0, 30000), st.integers(0, 255)), max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SEEDS), st.integers(0, 8000), CHANGES)
def test_damaged_files_give_pictures_or_a_sentence(seed: bytes, length: int, changes: list[tuple[int, int]]) -> None:
    data = bytearray(seed[: length or None])
    for place, value in changes:
        if data:
            data[place % len(data)] = value
    try:
        found = list(Clip(bytes(data)).pictures())
    except BuildError:
        return
    assert 0 < len(found) <= clip.MAX_PICTURES and all(image.mode == "RGB" for _, image in found)


def test_a_codec_that_nobody_knows_gets_a_sentence() -> None:
    with pytest.raises(BuildError, match="coded in a way that is not known"):
        list(Clip(SEEDS[1].replace(b"V_MPEG4/ISO/AVC", b"V_UNHEARD/OF/XY")).pictures())


def test_a_clip_that_breaks_off_gives_what_comes_before(theo: dict[str, NDArray[np.uint8]]) -> None:
    whole = video([theo["neutral"], theo["smile"]] * 10, format="matroska")
    assert 1 <= len(list(Clip(whole[: len(whole) * 9 // 10]).pictures())) < 10


# --- the file


def test_the_command_takes_a_clip(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], theo: dict[str, NDArray[np.uint8]]
) -> None:
    (tmp_path / "me.mp4").write_bytes(video([theo["neutral"], theo["smile"]] * 4))
    assert run(monkeypatch, "build", tmp_path / "me.mp4", "-o", tmp_path / "me.imx", "--consent", "a drawing") == 0
    assert "of the clip was used" in " ".join(capsys.readouterr().err.split())
    manifest = read_imx(tmp_path / "me.imx").manifest
    assert manifest.name == "me" and manifest.provenance["source"]["kind"] == "clip"


def test_a_clip_in_the_place_of_an_avatar_needs_consent(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="no clip"):
        avatar_file(tmp_path / "none.mp4", "x")
    (tmp_path / "me.webm").write_bytes(SEEDS[1])
    with pytest.raises(BuildError, match=r"is a clip: say who.*BITHUMAN_CONSENT"):
        avatar_file(tmp_path / "me.webm")
    with pytest.raises(BuildError, match="no human face"):
        avatar_file(tmp_path / "me.webm", "x")

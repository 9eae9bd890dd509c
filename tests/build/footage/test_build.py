"""From a clip to a footage avatar: what is kept, what is refused and why."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bithuman_core.audio import write_video
from bithuman_core.build import build_avatar
from bithuman_core.build.footage.builder import footage_arrays, read_footage
from bithuman_core.build.footage.clip.refusal import NotFootage
from bithuman_core.build.footage.mouth.made_up import WIDE
from bithuman_core.build.footage.walk import LASTS, _turning, like_pairs
from bithuman_core.build.preview import contact_sheet
from bithuman_core.engine import Engine, Fixture
from bithuman_core.errors import BuildError
from bithuman_core.face import FaceState
from bithuman_core.imx import read_imx, write_imx
from bithuman_core.imx.checksum import checksum
from bithuman_core.motion.walk import DISSOLVE
from bithuman_core.render import PortraitRenderer, PortraitRig
from tests.footage import Filmed, shots

pytest.importorskip("ai_edge_litert")


def test_the_head_is_where_it_was_drawn(film: Filmed) -> None:
    yaw = np.array([face["headYaw"] for face in film.faces])
    assert np.corrcoef(yaw, film.footage.person.yaw)[0, 1] > 0.9
    assert film.footage.person.error < 1.5  # canvas px: smooth against measured


def test_the_talk_is_read_and_then_gone(film: Filmed) -> None:
    jaw = np.array([face["jawOpen"] for face in film.faces])
    assert np.corrcoef(jaw, film.footage.person.gap)[0, 1] > 0.85
    speaking = jaw > 0.05
    assert film.footage.plan.keeps[speaking].max() < 0.5
    assert film.footage.plan.keeps[-20:].min() > 0.9  # she listens: the camera's own pixels


def test_nothing_bright_is_left_between_lips_that_were_closed(film: Filmed) -> None:
    calm, mesh = film.footage.calm, film.footage.mesh
    lines = []
    for k in np.flatnonzero(film.footage.plan.keeps < 0.05)[::8]:
        frame, at = calm.frame(int(k)).mean(-1), calm.screen(int(k), calm.at_rest(int(k)))[:, :2]
        inner, outer = (mesh.at(ring, at)[6:15] for ring in (mesh.inner, mesh.outer))
        lips = [frame[tuple((inner + part * (outer - inner)).round().astype(int).T[::-1])].mean() for part in (0.0, 0.5)]
        lines.append(lips[0] - lips[1])
    assert max(lines) < 4 and np.mean(lines) < -1  # levels: a line of less is not seen


def test_the_open_mouths_are_her_own(film: Filmed) -> None:
    assert not film.footage.made_up
    assert (film.footage.interiors.gap < WIDE).any()


def test_what_a_clip_never_shows_wide_open_is_made_up(film: Filmed) -> None:
    mumbled = [frame for frame, gap in zip(film.frames, film.footage.person.gap, strict=True) if gap < 0.05]
    footage = read_footage(lambda: mumbled)
    assert footage.person.gap.max() < WIDE
    assert footage.interiors.gap.max() > 0.1


def test_no_jump_shows_two_gazes_at_once() -> None:
    points, light, eyes = np.zeros((100, 50, 2)), np.zeros((100, 12)), np.ones(100)
    gaze = np.zeros((100, 4))
    gaze[50:] = 3.0  # px: she looks elsewhere
    jumps = like_pairs(points, gaze, light, eyes).astype(int)
    assert len(jumps)
    assert ((jumps < 50).sum(1) != 1).all()


def test_a_jump_goes_where_heads_stay_alike_until_it_is_done() -> None:
    points, light, eyes, gaze = np.zeros((100, 50, 2)), np.zeros((100, 12)), np.ones(100), np.zeros((100, 4))
    points[90:] = 13.0  # px: a quick move
    jumps = like_pairs(points, gaze, light, eyes).astype(int)
    assert len(jumps)
    shown = jumps[:, :, None] + np.arange(DISSOLVE)
    assert LASTS == DISSOLVE
    shown = shown[(shown < 100).all((1, 2))]
    assert len(shown) and (np.ptp(points[shown][..., 0, 0], axis=1) == 0).all()


def test_the_walk_turns_where_no_blink_is_seen_twice() -> None:
    speed, lids = np.full(200, 1.0), np.zeros(200)
    speed[[10, 60, 100, 150, 190]] = 0.0
    awake = np.ones(200, bool)
    awake[95:105] = False
    assert _turning(speed, lids, awake).tolist() == [10, 60, 150, 190]
    assert 100 in _turning(speed, lids, np.zeros(200, bool)), "better twice than nowhere"


def test_the_file_is_small(film: Filmed) -> None:
    size = sum(a.nbytes for a in film.file.arrays.values())
    assert size < 4e6 * max(film.rig.frames / 500, 0.5)


def test_the_contact_sheet_goes_through_the_film(film: Filmed) -> None:
    sheet = np.asarray(contact_sheet(film.path)).astype(int)
    assert sheet.shape == (1024, 2048, 3)
    cells = [sheet[y : y + 200, x : x + 512] for y in (0, 512) for x in range(0, 2048, 512)]  # hair and brow
    assert min(np.abs(a - b).mean() for a, b in itertools.pairwise(cells)) > 0.3


def drawn(jaw: float = 0.0) -> list[np.ndarray]:
    """Two seconds of Mara whose head hardly moves, her mouth open by ``jaw`` and half of it less and more."""
    rig = Fixture("mara").rig
    assert isinstance(rig, PortraitRig)
    renderer = PortraitRenderer(rig)
    frames = []
    for k in range(50):
        face = FaceState.from_mapping({"headYaw": 0.5 * np.sin(k / 9), "jawOpen": jaw * (1 + 0.5 * np.sin(k / 3))})
        frames.append(np.ascontiguousarray(renderer.render(face)[:, :, ::-1]))
    return frames


def test_a_mouth_that_never_shows_its_inside_gets_one() -> None:
    footage = read_footage(drawn)
    assert footage.made_up
    assert len(footage.interiors.gap) > 4
    assert footage.interiors.gap.max() > 0.05


def test_a_face_that_is_lost_is_refused() -> None:
    frames = drawn()
    frames[10:30] = [np.zeros_like(frames[0])] * 20
    with pytest.raises(NotFootage, match=r"lost in 40 % of the frames and 2 %"):
        read_footage(lambda: frames)


def test_a_face_that_is_too_small_is_refused() -> None:
    small = [np.ascontiguousarray(f[::3, ::3]) for f in drawn()[:30]]
    with pytest.raises(NotFootage, match=r"\d+ px wide in the clip and 120 are needed"):
        read_footage(lambda: small)


def test_a_mouth_that_never_rests_is_refused() -> None:
    with pytest.raises(NotFootage, match=r"never rests: in the median it is 0\.\d+ face widths from rest \(0\.03 are allowed\)"):
        read_footage(lambda: drawn(0.3))


def test_a_hand_before_the_mouth_is_refused() -> None:
    frames = drawn()
    for frame in frames[20:32]:
        frame[280:380, 170:340] = (120, 84, 66)
    with pytest.raises(NotFootage, match=r"something covers the mouth at 0\.\d s: (the lips differ|\d+ % of the skin)"):
        read_footage(lambda: frames)


def test_a_cut_is_refused() -> None:
    frames = drawn()
    frames[25:] = [np.ascontiguousarray(frame[:, ::-1]) // 2 for frame in frames[25:]]
    with pytest.raises(NotFootage, match=r"the picture jumps at 1\.0 s"):
        read_footage(lambda: frames)


def clip(folder: Path, frames: list[np.ndarray]) -> Path:
    """A file of them, silent."""
    path = folder / "me.mp4"
    write_video(path, iter(frames), np.zeros(len(frames) * 640, np.int16), 16_000, pixel_format="rgb24")
    return path


def test_a_short_clip_becomes_a_photo_avatar_and_says_why(tmp_path: Path) -> None:
    path = clip(tmp_path, drawn())
    report = build_avatar(path, tmp_path / "me.imx", consent="nobody")
    assert report.kind == "photo"
    assert report.notes[0].endswith("best picture: as footage, the clip has 2.0 s and 8 are needed.")
    assert read_imx(report.path).manifest.provenance["notes"] == list(report.notes)
    with pytest.raises(BuildError, match="this clip cannot be kept as footage: the clip has 2"):
        build_avatar(path, tmp_path / "film.imx", consent="nobody", kind="footage")
    assert not (tmp_path / "film.imx").exists()


def test_a_photo_is_no_footage(tmp_path: Path) -> None:
    photo = tmp_path / "me.png"
    Image.fromarray(drawn()[0]).save(photo)
    with pytest.raises(BuildError, match="a photo cannot become footage"):
        build_avatar(photo, tmp_path / "me.imx", consent="nobody", kind="footage")
    with pytest.raises(BuildError, match="the kind 'film' is not known"):
        build_avatar(photo, tmp_path / "me.imx", consent="nobody", kind="film")


def test_a_clip_becomes_footage_that_speaks_with_the_rest_of_the_program(tmp_path: Path) -> None:
    _, frames = shots(speaks=3.0, rests=5.2)
    path = clip(tmp_path, frames)
    stages: list[tuple[str, float]] = []
    report = build_avatar(path, tmp_path / "me.imx", consent="nobody", progress=lambda *told: stages.append(told))
    assert report.kind == "footage" and read_imx(report.path).manifest.kind == "footage"
    shares = [share for _, share in stages]
    assert shares == sorted(shares) and stages[-1] == ("done", 1.0)
    assert {"calming the film", "following the face"} <= {name for name, _ in stages}
    fixture = Fixture(report.path)
    assert fixture.rig.size == (512, 512)
    assert {"nod", "smile"} <= set(fixture.gestures) and "wink" not in fixture.gestures  # lids are the film's
    assert fixture.manifest.limits["headPitch"] == (-2.5, 2.5)
    engine = Engine(Fixture("mara"))
    engine.step(None)
    engine.change(fixture)  # a face on film takes over from a rig
    shown = [engine.step(None).frame for _ in range(12)]
    assert all(frame.shape == (512, 512, 3) for frame in shown)
    steps = [float(np.abs(b.astype(int) - a).mean()) for a, b in itertools.pairwise(shown)]
    assert max(steps[:8]) < 12


@pytest.mark.parametrize(
    ("aspect", "side", "size"), [("9:16", 512, (512, 912)), ("16:9", 512, (912, 512)), ("1:1", 720, (720, 720))]
)
def test_frames_of_other_shapes_and_sizes(tmp_path: Path, aspect: str, side: int, size: tuple[int, int]) -> None:
    frames = drawn()[:30]
    manifest, arrays, _ = footage_arrays(read_footage(lambda: frames, aspect=aspect, side=side), "x")
    write_imx(tmp_path / "x.imx", manifest, arrays)
    fixture = Fixture(tmp_path / "x.imx")
    assert fixture.rig.size == size
    engine = Engine(fixture)
    assert engine.step(np.full(640, 9000, np.int16)).frame.shape == (size[1], size[0], 3)


def test_the_same_pictures_give_the_same_bytes() -> None:
    frames = drawn()[:30]
    one, two = (footage_arrays(read_footage(lambda: frames), "x")[1] for _ in range(2))
    assert checksum(one) == checksum(two)

"""Faces drawn into a film: closed where nothing is said, open where something is, and nothing else is touched."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from bithuman_core.build.footage.person.tracking import track
from bithuman_core.build.photo.models import load_face_nets
from bithuman_core.engine import Fixture, render_clip
from bithuman_core.errors import ModelError, ModelLoadError
from bithuman_core.face import INDEX, FaceState
from bithuman_core.imx import ImxFile
from bithuman_core.render import FootageRenderer, read_footage
from bithuman_core.render.footage.around import RINGS, JawSkirt
from bithuman_core.render.footage.film import FilmPlayer, _Group
from bithuman_core.render.footage.interior import Interiors, MouthInside
from bithuman_core.render.footage.mouth_patch import LOWER, UPPER
from bithuman_core.render.footage.shading import LOOSE
from bithuman_core.render.gpu.device import find_gpu
from bithuman_core.render.gpu.renderer import GpuFilmDrawing
from bithuman_core.render.gpu.together import FilmsTogether
from tests.footage import TALKING, Filmed
from tests.render.vulkan import on_a_device

NOSE = [1, 4, 5, 195, 197, 6, 168]  # MediaPipe numbers
OPEN = 0.03  # face widths of lip gap: seen as open


def lips(frames: list[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """Gap of the lips in face widths, as the landmark net sees it in BGR frames."""
    marks = track(load_face_nets(), [np.ascontiguousarray(f[:, :, ::-1]) for f in frames], 1).landmarks[..., :2]
    return np.linalg.norm(marks[:, 13] - marks[:, 14], axis=-1) / np.linalg.norm(marks[:, 454] - marks[:, 234], axis=-1)


@pytest.fixture(params=["cpu", pytest.param("device", marks=[on_a_device, pytest.mark.device_long])])
def renderer(request: pytest.FixtureRequest, film: Filmed) -> FootageRenderer:
    """What viewers rely on holds whoever draws."""
    if request.param == "cpu":
        return FootageRenderer(film.rig)
    return FootageRenderer(film.rig, GpuFilmDrawing(FilmsTogether(find_gpu(software=True), film.rig)))


def test_the_mouth_is_shut_in_silence_whatever_the_film_said(film: Filmed, renderer: FootageRenderer) -> None:
    assert (film.footage.person.gap > OPEN).mean() > 0.15  # she speaks in it
    assert (lips([renderer.render(FaceState(), k) for k in range(0, film.rig.frames, 3)]) < OPEN).all()


def test_the_mouth_opens_as_far_as_it_is_told(renderer: FootageRenderer) -> None:
    wanted = np.linspace(0, 0.5, 11)
    gap = lips([renderer.render(FaceState.from_mapping({"jawOpen": float(v)}), 120) for v in wanted])
    assert np.corrcoef(wanted, gap)[0, 1] > 0.98
    assert gap[-1] > 0.1


def test_lips_that_all_but_touch_are_shut(renderer: FootageRenderer) -> None:
    mouth = slice(290, 370), slice(190, 322)

    def darkest(jaw: float) -> float:
        return float(np.sort(renderer.render(FaceState.from_mapping({"jawOpen": jaw}), 120)[mouth].mean(-1).ravel())[:40].mean())

    assert darkest(0.03) > darkest(0) - 4  # levels; the inside of a mouth that is open is far darker
    assert darkest(0.15) < darkest(0) - 10


@pytest.mark.parametrize("gain", [0.8, 1.0, 1.6])
def test_whoever_opens_the_mouth_more_closes_it_as_much(film: Filmed, gain: float) -> None:
    rig = replace(film.rig, gain=gain)
    said = rig.measure(FaceState.from_mapping({"jawOpen": 0.3, "mouthClose": 0.3})).gap
    assert said < 0.26 * rig.measure(FaceState.from_mapping({"jawOpen": 0.3})).gap


def test_it_follows_the_faces_of_the_film_itself(film: Filmed, renderer: FootageRenderer) -> None:
    """Driven by what was drawn in frame k, frame k + 2 s shows its opening."""
    count = 70
    drawn = lips([renderer.render(film.faces[k], (k + 50) % film.rig.frames) for k in range(count)])
    assert np.corrcoef(drawn, film.footage.person.gap[:count])[0, 1] > 0.9


def test_what_is_above_the_mouth_and_beside_the_person_stays_the_cameras(film: Filmed, renderer: FootageRenderer) -> None:
    player = FilmPlayer(film.rig.film)
    for k in (0, 60, 140):
        drawn, frame = renderer.render(FaceState.from_mapping(TALKING), k), player.frame(k)
        apart = np.abs(drawn.astype(int) - frame).max(-1)
        assert apart[:200].max() == 0  # hair, eyes
        assert apart[:, :60].max() == 0 and apart[:, -60:].max() == 0
        assert (apart > 8).sum() > 500


def test_no_edge_is_seen_where_the_drawing_ends(film: Filmed, renderer: FootageRenderer) -> None:
    player = FilmPlayer(film.rig.film)
    ratios = []
    for k in range(0, film.rig.frames, 20):
        frame = player.frame(k).astype(np.float64).mean(-1)
        drawn = renderer.render(FaceState.from_mapping({"jawOpen": 0.3}), k).astype(np.float64).mean(-1)
        touched = np.abs(drawn - frame) > 2
        edge = touched & ~np.roll(touched, 2, 0) | touched & ~np.roll(touched, -2, 1)
        slope = [np.hypot(*np.gradient(picture))[edge].mean() for picture in (drawn, frame)]
        ratios.append(slope[0] / slope[1])
    assert 0.95 < float(np.median(ratios)) < 1.05


def sharpness(picture: NDArray[np.uint8]) -> float:
    """Mean of what a px of the face differs from its neighbours."""
    face = picture[120:380, 130:380].astype(np.float64).mean(-1)
    return float(np.abs(4 * face[1:-1, 1:-1] - face[:-2, 1:-1] - face[2:, 1:-1] - face[1:-1, :-2] - face[1:-1, 2:]).mean())


def like_frames(film: Filmed) -> tuple[int, int]:
    """Two frames far apart in time whose heads are some px apart."""
    heads = film.rig.shift / 2 + 100 * film.rig.turn[:, 2, :2] / film.rig.turn[:, 2, 2:]
    apart = np.abs(np.linalg.norm(heads[:, None] - heads[None], axis=-1) - 3.0)
    near = np.abs(np.subtract.outer(np.arange(len(heads)), np.arange(len(heads)))) < 40
    first, second = np.unravel_index(int(np.where(near, 99, apart).argmin()), apart.shape)
    return int(first), int(second)


def test_a_jump_is_as_sharp_as_the_frames_about_it(film: Filmed, renderer: FootageRenderer) -> None:
    leaving, frame = like_frames(film)
    ends = [renderer.render(FaceState(), k) for k in (leaving, frame)]
    least = min(sharpness(end) for end in ends)
    for share in (0.9, 0.6, 0.5, 0.4, 0.1):
        between = sharpness(renderer.render(FaceState(), frame, leaving=leaving, share=share))
        assert 0.9 * least < between < 1.15 * max(sharpness(end) for end in ends)
    assert sharpness(((ends[0].astype(int) + ends[1]) // 2).astype(np.uint8)) < 0.9 * least  # two pictures in one


def test_in_a_jump_the_head_goes_over_steadily(film: Filmed, renderer: FootageRenderer) -> None:
    leaving, frame = like_frames(film)
    shares = (1.0, 0.75, 0.5, 0.25, 0.0)
    frames = [renderer.render(FaceState(), frame, leaving=leaving, share=share) for share in shares]
    steady = track(load_face_nets(), [np.ascontiguousarray(f[:, :, ::-1]) for f in frames], 1).landmarks[:, NOSE, :2].mean(1)
    way = steady[-1] - steady[0]
    done = (steady - steady[0]) @ way / (way @ way)
    assert np.abs(done - (1 - np.array(shares))).max() < 0.2


@pytest.mark.parametrize(("asked", "moves"), [((0, -7, 0), (0, 1)), ((0, 7, 0), (0, -1)), ((8, 0, 0), (1, 0))])
def test_a_gesture_turns_the_head_a_little_and_the_room_stays(
    renderer: FootageRenderer, asked: tuple[float, float, float], moves: tuple[int, int]
) -> None:
    head = np.array(asked, np.float32)
    still, turned = (renderer.render(FaceState(), 120, head=h) for h in (None, head))
    marks = track(load_face_nets(), [np.ascontiguousarray(f[:, :, ::-1]) for f in (still, turned)], 1).landmarks
    way = (marks[1] - marks[0])[NOSE, :2].mean(0)
    assert 1.0 < way @ np.array(moves) < 6.0  # px, to where it was asked
    assert np.abs(still.astype(int) - turned)[:, :30].max() <= 2 and np.abs(still.astype(int) - turned)[-40:].max() < 60
    assert sharpness(turned) > 0.9 * sharpness(still)


def test_no_gesture_turns_the_head_beyond_its_limits(film: Filmed) -> None:
    limits = np.radians(film.rig.head_limits[:, 1])
    assert (limits > 0).all()
    for degrees in (1.0, 10.0, 60.0):
        assert (np.abs(film.rig.asked(np.full(3, degrees, np.float32))) <= limits + 1e-6).all()
    assert film.rig.asked(np.full(3, 3.0, np.float32)) == pytest.approx(np.radians(np.ones(3)), rel=1e-3)


def test_the_chin_shades_the_neck_where_it_comes_down_and_nowhere_else() -> None:
    line = np.stack([np.linspace(100, 300, 21), 300 + 80 * np.sin(np.linspace(0, np.pi, 21))], 1).astype(np.float32)
    skirt = JawSkirt(21)
    assert (skirt.places(line, line, 200.0)[2] == 1).all()
    _, _, light = skirt.places(line, line + np.array([0, 12], np.float32), 200.0)
    shade = 1 - light.reshape(len(RINGS), -1)
    assert shade[0].max() == shade[-1].max() == 0  # on the face, and where the drawing ends
    assert 0 < shade.max() < 0.15
    assert np.diff(shade[2:], axis=0).max() <= 0  # less and less downwards
    deeper = skirt.places(line, line + np.array([0, 20], np.float32), 200.0)[2]
    assert (deeper <= light).all() and deeper.min() < light.min()


def test_all_that_moves_about_the_jaw_is_drawn_out_to_where_nothing_does() -> None:
    line = np.stack([np.linspace(100, 300, 21), 300 + 80 * np.sin(np.linspace(0, np.pi, 21))], 1).astype(np.float32)
    drop = np.maximum(np.sin(np.linspace(-1, np.pi + 1, 21)), 0).astype(np.float32)
    down = np.stack([np.zeros(21, np.float32), 12 * drop], 1)
    skirt = JawSkirt(21)
    where, goes, _ = skirt.places(line, line + down, 200.0)
    bounds = np.empty(4, np.float32)
    active = skirt.reach(where, goes, bounds)
    assert np.array_equal(active, np.abs(goes[:, :2] - where).max(1) > LOOSE)
    assert 0 < active.sum() < len(active)
    drawn = goes[skirt.triangles[active[skirt.triangles].any(1)].ravel(), :2]
    assert (drawn >= bounds[:2]).all() and (drawn <= bounds[2:]).all()
    skirt.reach(where, np.pad(where, ((0, 0), (0, 1))), bounds)
    assert bounds.tolist() == [np.inf, np.inf, -np.inf, -np.inf]  # nothing moves


def test_no_line_of_teeth_is_seen_between_lips_that_hardly_part(film: Filmed) -> None:
    ring = np.zeros((40, 2), np.float32)
    ring[UPPER, 0] = ring[LOWER, 0] = np.linspace(100, 160, 21)
    lips = np.array([90, 100, 170], np.float32)

    def brightness(gap: float) -> float:
        ring[LOWER[1:-1], 1] = gap
        return float(MouthInside(film.rig.interiors).opening(ring, 200.0, lips).patch[12:36, 30:66].max())

    seen = [brightness(gap) for gap in (0.3, 1.0, 2.0, 4.0, 8.0)]
    assert seen == sorted(seen)
    assert seen[1] < 0.5 * seen[-1]


def test_a_mouth_shows_something_however_many_pictures_of_it_are_alike(film: Filmed) -> None:
    ring, known = np.zeros((40, 2), np.float32), film.rig.interiors
    ring[UPPER, 0] = ring[LOWER, 0] = np.linspace(100, 160, 21)
    ring[LOWER[1:-1], 1] = 20
    many = Interiors(*(np.ascontiguousarray(np.repeat(of[:1], 64, axis=0)) for of in (known.patches, known.features, known.gap)))
    lips = np.array([90, 100, 170], np.float32)
    seen, one = (MouthInside(of).opening(ring, 200.0, lips) for of in (many, Interiors(*(v[:1] for v in vars(many).values()))))
    assert seen.patch == pytest.approx(one.patch, abs=0.1) and seen.points == pytest.approx(one.points, abs=0.01)


def test_the_corners_of_a_mouth_have_the_colour_of_its_lips(film: Filmed) -> None:
    ring = np.zeros((40, 2), np.float32)
    ring[UPPER, 0] = ring[LOWER, 0] = np.linspace(100, 160, 21)
    ring[LOWER[1:-1], 1] = 20
    lips = np.array([90, 100, 170], np.float32)
    patch = MouthInside(film.rig.interiors).opening(ring, 200.0, lips).patch
    assert (patch[:, [0, -1]] > 0.6 * lips).all() and (patch[:, [0, -1]] < lips).all()


def test_a_smile_grows_up_to_what_a_picture_can_bear(film: Filmed) -> None:
    def smiles(amount: float) -> float:
        face = FaceState.from_mapping({"mouthSmileLeft": amount, "mouthSmileRight": amount})
        return float(film.rig.coefficients(face)[INDEX["mouthSmileLeft"]])

    wanted = np.linspace(0, 1, 21)
    shown = np.array([smiles(float(v)) for v in wanted])
    assert (np.diff(shown) > 0).all()
    assert shown[:9] == pytest.approx(wanted[:9], abs=1e-6)
    assert shown[-1] < 0.7


def test_frames_come_in_any_order(film: Filmed) -> None:
    forth = FilmPlayer(film.rig.film)
    seen = [forth.frame(k) for k in range(40)]
    back = FilmPlayer(film.rig.film)
    for k in (39, 38, 37, 12, 11, 30, 5, 0, 39):
        assert (back.frame(k, [max(k - 1, 0)]) == seen[k]).all()


def test_a_player_keeps_few_frames(film: Filmed) -> None:
    player = FilmPlayer(film.rig.film)
    for k in range(film.rig.frames):
        player.frame(k, [k + 1] if k + 1 < film.rig.frames else ())
        assert sum(len(group.frames) for group in player._groups.values()) <= 2 * film.rig.film.gop


def test_going_over_from_one_place_to_another_decodes_each_frame_once(film: Filmed, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[int] = []
    decode = _Group._decode
    monkeypatch.setattr(_Group, "_decode", lambda group, k: decoded.append(k) or decode(group, k))
    player = FilmPlayer(film.rig.film)
    for k in range(8):
        player.frame(k, [k + 1])
        player.frame(24 + k, [k + 1])
    assert len(decoded) == len(set(decoded)) and {*range(8), *range(24, 32)} <= set(decoded)


def test_drawing_keeps_no_other_core_busy(film: Filmed) -> None:
    renderer = FootageRenderer(film.rig)
    face, turn = FaceState.from_mapping({"jawOpen": 0.4}), np.full(3, 2.0, np.float32)
    renderer.render(face, 0)
    whole, own = time.process_time(), time.thread_time()
    for k in range(40):
        renderer.render(face, k, leaving=60 + k if k > 30 else -1, share=0.5, head=turn)
    assert time.process_time() - whole < 1.2 * (time.thread_time() - own), "threads of a library work or wait by being busy"


def test_the_same_sound_and_seed_give_the_same_film(film: Filmed) -> None:
    fixture = Fixture(film.path)
    quiet = np.zeros(16_000, np.int16)
    one, two = ([t.frame for t in render_clip(fixture, quiet, seed)] for seed in (1, 1))
    assert all((a == b).all() for a, b in zip(one, two, strict=True))
    other = [t.frame for t in render_clip(fixture, quiet, 2)]
    assert any((a != b).any() for a, b in zip(one, other, strict=True))


BAD = {"rest_amount": 1e5, "vertices": 1e6, "pose": 1e5, "inner_weight": 9.0, "near_share": 2.0, "interior_gap": 0.0,
       "shape_delta": 6e4}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_numbers_that_do_not_fit_are_refused(film: Filmed, name: str) -> None:
    arrays = dict(film.file.arrays)
    array = arrays[name].copy()
    array.flat[0] = BAD[name]
    arrays[name] = array
    with pytest.raises(ModelError):
        read_footage(ImxFile(film.file.manifest, arrays))


@pytest.mark.parametrize("name", ["film_start", "triangles", "walk_turning", "walk_jumps", "near", "landmark_index"])
def test_places_that_point_outside_are_refused(film: Filmed, name: str) -> None:
    arrays = dict(film.file.arrays)
    array = arrays[name].copy() if arrays[name].size else np.full((1, 2), 0, np.uint16)
    array.flat[-1] = 60_000
    arrays[name] = array
    with pytest.raises(ModelLoadError):
        read_footage(ImxFile(film.file.manifest, arrays))


def test_a_film_that_is_none_is_a_sentence(film: Filmed) -> None:
    rng = np.random.default_rng(0)
    data = rng.integers(0, 256, len(film.rig.film.data), dtype=np.uint8)
    player = FilmPlayer(replace(film.rig.film, data=data))
    with pytest.raises(ModelLoadError, match="damaged"):
        player.frame(3)

"""A graphics processor draws what the CPU draws, for many sessions at once, and is missed by nobody when it is lost."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bithuman_core.background import Background
from bithuman_core.engine import Engine, Fixture
from bithuman_core.face import ARKIT_NAMES, BREATH, FACE_SIZE, HEAD_NAMES, FaceState
from bithuman_core.imx import read_imx
from bithuman_core.render import FilmScene, FootageRenderer, FootageRig, PortraitRenderer, load_rig, read_footage, scene_for
from bithuman_core.render.eyes import STEPS, looking
from bithuman_core.render.footage.planes import Planes
from bithuman_core.render.gpu import device as devices
from bithuman_core.render.gpu import numbers
from bithuman_core.render.gpu import renderer as renderers
from bithuman_core.render.gpu.choice import chosen
from bithuman_core.render.gpu.device import Gpu, GpuError, find_gpu
from bithuman_core.render.gpu.faces import Asked
from bithuman_core.render.gpu.portrait import GpuPortrait
from bithuman_core.render.gpu.renderer import GpuFilmDrawing, GpuRenderer
from bithuman_core.render.gpu.together import FilmsTogether, PortraitsTogether
from bithuman_core.render.matte.cut_out import PortraitScene
from bithuman_core.render.planes import to_planes
from bithuman_core.render.rig import PortraitRig
from bithuman_core.settings import models_dir
from bithuman_core.speech import SpeechNet
from tests.render.noted import Noted
from tests.render.vulkan import on_a_device

pytestmark = on_a_device

AVATARS = ("mara", "theo", "erik")
POSES, ROOM = 200, 8
MEAN, FAR, FEW = 0.5, 6, 0.001  # levels; levels; share of the pixels that may be farther off
SMALL = {"jawOpen": 1.0}  # what mouthClose needs
NO_POP = 6.0  # the largest step of a sweep against its median


@cache
def rig(avatar: str, side: int | None = None) -> PortraitRig:
    return load_rig(models_dir() / f"{avatar}.imx", side)


@cache
def portrait(avatar: str, side: int | None = None) -> GpuPortrait:
    return GpuPortrait(find_gpu(software=True), rig(avatar, side), ROOM)


@pytest.fixture
def own_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gpu]:
    """A device that a test may lose."""
    gpu = devices._opened.__wrapped__(devices._adapters()[0])
    monkeypatch.setattr(renderers, "_said", set())
    yield gpu
    gpu.device.destroy()


def random_face(rng: np.random.Generator) -> FaceState:
    """A dozen coefficients, a head anywhere inside its limits, some breath."""
    out = FaceState()
    out.coefficients[rng.choice(len(ARKIT_NAMES), 12, replace=False)] = rng.uniform(0, 1, 12)
    out.head[:3] = rng.uniform(-1, 1, 3) * (15, 10, 10)
    out.head[3:] = rng.uniform(-0.08, 0.08, 3)
    out[BREATH] = rng.uniform(0, 1)
    return out


def check_same(ours: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> None:
    """Two frames that nobody could tell apart."""
    off = np.abs(ours.astype(np.int16) - theirs)
    assert off.mean() < MEAN
    assert (off.max(axis=2) > FAR).mean() < FEW


@pytest.mark.parametrize("avatar", AVATARS)
def test_the_same_picture_in_two_hundred_poses(avatar: str) -> None:
    rng, cpu = np.random.default_rng(7), PortraitRenderer(rig(avatar))
    for _ in range(POSES // ROOM):
        faces = [random_face(rng) for _ in range(ROOM)]
        for face, frame in zip(faces, portrait(avatar).draw(faces), strict=True):
            check_same(frame, cpu.render(face))


def test_the_same_picture_of_1024_px() -> None:
    rng, cpu = np.random.default_rng(8), PortraitRenderer(rig("theo", 1024))
    faces = [random_face(rng) for _ in range(4)]
    for face, frame in zip(faces, portrait("theo", 1024).draw(faces), strict=True):
        check_same(frame, cpu.render(face))


@pytest.mark.parametrize("name", ["blur", "#204060", "transparent"])
def test_the_same_picture_before_other_backgrounds(name: str) -> None:
    scene = scene_for(rig("mara"), Background.named(name))
    assert isinstance(scene, PortraitScene)
    cpu, ours = PortraitRenderer(rig("mara")), GpuRenderer(PortraitsTogether(find_gpu(software=True), rig("mara")))
    cpu.show(scene)
    ours.show(scene)
    for face in (FaceState(), random_face(np.random.default_rng(9))):
        check_same(ours.render(face), cpu.render(face))
        assert (ours.alpha is None) == (cpu.alpha is None) == (name != "transparent")
        if ours.alpha is not None and cpu.alpha is not None:
            check_same(ours.alpha[..., None], cpu.alpha[..., None])


@pytest.mark.parametrize("name", [*ARKIT_NAMES, *HEAD_NAMES, BREATH])
def test_nothing_pops_as_a_value_grows(name: str) -> None:
    low, high = rig("mara").limits().get(name, (0.0, 1.0))
    others = SMALL if name == "mouthClose" else {}
    faces = [FaceState.from_mapping({**others, name: float(value)}) for value in np.linspace(low, high, ROOM)]
    frames = portrait("mara").draw(faces)[..., 1].astype(np.int16)
    steps = [float(np.abs(a - b).mean()) for a, b in pairwise(frames)]
    assert max(steps) <= NO_POP * max(float(np.median(steps)), 0.02)


def test_a_face_gives_the_same_picture_whatever_is_drawn_beside_it() -> None:
    rng = np.random.default_rng(10)
    faces = [random_face(rng) for _ in range(ROOM)]
    together = portrait("mara").draw(faces)
    for face, frame in zip(faces, together, strict=True):
        np.testing.assert_array_equal(portrait("mara").draw([face])[0], frame)


def test_a_face_is_all_that_goes_up_and_the_device_makes_of_it_what_the_cpu_does() -> None:
    ours, rng = portrait("mara"), np.random.default_rng(15)
    faces = [random_face(rng) for _ in range(ROOM)]
    ours.draw(faces)
    assert numbers.SENT == FACE_SIZE
    made = np.frombuffer(ours._gpu.queue.read_buffer(ours._buffers["numbers"]), np.float32).reshape(ROOM, -1)
    for face, row in zip(faces, made, strict=True):
        amount, head = rig("mara").coefficients(face), rig("mara").head(face)
        np.testing.assert_allclose(row[numbers.MADE :], rig("mara").correctives.amounts(amount, head), atol=1e-6)
        for k, eye in enumerate(np.split(row[8:24], 2)):
            look = looking(rig("mara"), k, amount, head)
            turned = np.cos(look.yaw), np.sin(look.yaw), np.cos(look.pitch), np.sin(look.pitch)
            np.testing.assert_allclose(eye[:5], (*turned, look.shade), rtol=1e-4, atol=2 / (STEPS * rig("mara").eyes[k].radius))
            np.testing.assert_allclose(eye[5:], (look.lid, look.mirror_x, look.mirror_y), atol=1.01 / STEPS)


@pytest.mark.parametrize(("avatar", "side"), [("mara", None), ("theo", 1024)])
def test_planes_are_those_that_the_cpu_makes_of_the_picture(avatar: str, side: int | None) -> None:
    rng = np.random.default_rng(16)
    faces = [random_face(rng) for _ in range(3)]
    frames = portrait(avatar, side).draw(faces)
    for frame, planes in zip(frames, portrait(avatar, side).planes(faces), strict=True):
        np.testing.assert_array_equal(planes, planes_of(frame))
    with pytest.raises(ValueError, match="alpha"):
        portrait(avatar, side).planes(faces, PortraitScene(Background.named("transparent")))


def planes_of(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """I420 [h * 3 / 2, w] of BGR [h, w, 3], by the CPU."""
    height, width, _ = frame.shape
    out = np.empty((height * 3 // 2, width), np.uint8)
    to_planes(np.ascontiguousarray(frame).reshape(height, -1), *Planes.of(out), width)
    return out


def test_sessions_that_ask_at_once_get_their_own_pictures() -> None:
    drawing = PortraitsTogether(find_gpu(software=True), rig("mara"))
    rng = np.random.default_rng(11)
    faces = [random_face(rng) for _ in range(12)]  # more than there is room for at first
    with ThreadPoolExecutor(len(faces)) as sessions:
        frames = list(sessions.map(drawing.frame, faces))
    cpu = PortraitRenderer(rig("mara"))
    for face, frame in zip(faces, frames, strict=True):
        check_same(frame, cpu.render(face))


@cache
def film() -> FootageRig:
    return read_footage(read_imx(models_dir() / "mara_film.imx"))


def test_the_same_film_in_two_hundred_poses() -> None:
    rng, cpu = np.random.default_rng(13), FootageRenderer(film())
    ours = FootageRenderer(film(), GpuFilmDrawing(FilmsTogether(find_gpu(software=True), film())))
    for k in range(POSES):
        face, frame, turn = random_face(rng), int(rng.integers(film().frames)), gesture(rng) if k % 2 else None
        leaving, share = (int(rng.integers(film().frames)), float(rng.random())) if k % 4 == 0 else (-1, 0.0)
        frames = [each.render(face, frame, leaving=leaving, share=share, head=turn) for each in (ours, cpu)]
        check_same(*frames)


def gesture(rng: np.random.Generator) -> NDArray[np.float32]:
    """Degrees that the head of a film is asked to turn: yaw, pitch, roll."""
    return rng.uniform(-10, 10, 3).astype(np.float32)


@pytest.mark.parametrize("name", ["#204060", "transparent"])
def test_the_same_film_before_other_backgrounds(name: str) -> None:
    scene = scene_for(film(), Background.named(name))
    assert isinstance(scene, FilmScene)
    cpu = FootageRenderer(film())
    ours = FootageRenderer(film(), GpuFilmDrawing(FilmsTogether(find_gpu(software=True), film())))
    for each in (ours, cpu):
        each.show(scene)
    rng = np.random.default_rng(14)
    for leaving, turn, face in [(-1, None, random_face(rng)), (-1, gesture(rng), random_face(rng)),
                                (40, gesture(rng), random_face(rng)), (40, None, FaceState())]:  # fmt: skip
        frames = [each.render(face, 20, leaving=leaving, share=0.4, head=turn) for each in (ours, cpu)]
        check_same(*frames)
        assert (ours.alpha is None) == (cpu.alpha is None) == (name != "transparent")
        if ours.alpha is not None and cpu.alpha is not None:
            check_same(ours.alpha[..., None], cpu.alpha[..., None])


def test_a_turned_head_alone_is_moved_by_the_device_as_by_the_cpu() -> None:
    cpu = FootageRenderer(film())
    ours = FootageRenderer(film(), GpuFilmDrawing(FilmsTogether(find_gpu(software=True), film())))
    turn = np.array([12, -8, 6], np.float32)
    for leaving, share in ((-1, 0.0), (30, 0.5), (30, 0.9)):
        frames = [each.render(FaceState(), 10, leaving=leaving, share=share, head=turn) for each in (ours, cpu)]
        off = np.abs(frames[0].astype(np.int16) - frames[1])
        assert off.max() <= 2 and off.mean() < 0.02  # levels: where the two round to either side


def asked_of_films() -> list[Asked]:
    """A turned head, one that goes over, one before a plate, a face in a frame as it is."""
    rng, plate, out = np.random.default_rng(17), scene_for(film(), Background.named("#204060")), list[Asked]()
    assert isinstance(plate, FilmScene)
    for leaving, turn, scene in ((-1, gesture(rng), None), (50, None, None), (50, gesture(rng), plate), (-1, None, None)):
        noted = Noted()
        renderer = FootageRenderer(film(), noted)  # of its own: what it asks for lies in its scratch
        if scene is not None:
            renderer.show(scene)
        renderer.render(random_face(rng), 25, leaving=leaving, share=0.5, head=turn)
        out += noted.asked
    return out


def test_a_film_gives_the_same_picture_whatever_is_drawn_beside_it() -> None:
    asked, drawing = asked_of_films(), FilmsTogether(find_gpu(software=True), film())
    together = drawing._frames(asked, False)
    for each, frame in zip(asked, together, strict=True):
        np.testing.assert_array_equal(drawing.frame(each), frame)
        np.testing.assert_array_equal(drawing.planes(each), planes_of(frame))


@pytest.mark.parametrize("name", ["photo", "transparent"])
def test_a_film_goes_on_without_its_device(own_gpu: Gpu, caplog: pytest.LogCaptureFixture, name: str) -> None:
    ours, cpu = FootageRenderer(film(), GpuFilmDrawing(FilmsTogether(own_gpu, film()))), FootageRenderer(film())
    scene, face = scene_for(film(), Background.named(name)), FaceState.from_mapping({"jawOpen": 0.6})
    assert isinstance(scene, FilmScene)
    for each in (ours, cpu):
        each.show(scene)
    own_gpu.device.destroy()
    with caplog.at_level(logging.WARNING):
        for turn in (None, np.array([6, -4, 2], np.float32), None):
            np.testing.assert_array_equal(ours.render(face, head=turn), cpu.render(face, head=turn))
            np.testing.assert_array_equal(ours.alpha, cpu.alpha)
    assert len(caplog.records) == 1


def test_nan_is_an_error_that_names_it_and_disturbs_nobody() -> None:
    drawing = PortraitsTogether(find_gpu(software=True), rig("mara"))
    bad = FaceState()
    bad.coefficients[0] = np.nan
    with pytest.raises(ValueError, match=ARKIT_NAMES[0]):
        drawing.frame(bad)
    check_same(drawing.frame(FaceState()), PortraitRenderer(rig("mara")).render(FaceState()))


def test_an_avatar_is_drawn_on_the_device_from_its_file_to_its_frame() -> None:
    net = SpeechNet.load()
    for avatar in ("mara", "mara_film"):
        ours, theirs = (Engine(Fixture(avatar, net, renderer=drawer), seed=3) for drawer in ("gpu", "cpu"))
        assert ours.fixture.drawing is not None
        for _ in range(3):
            check_same(ours.step().frame, theirs.step().frame)


def test_an_encoder_gets_planes_and_whoever_looks_a_picture() -> None:
    fixture = Fixture("mara", renderer="gpu")
    coded, shown = (Engine(fixture, seed=3) for _ in range(2))
    for _ in range(3):
        np.testing.assert_array_equal(coded.step(planes=True).frame, planes_of(shown.step().frame))
    coded.show(fixture.scene(Background.named("transparent")))
    assert coded.step(planes=True).frame.shape == (512, 512, 3)
    coded.show(fixture.scene())
    coded.change(fixture)  # it cross-fades
    assert coded.step(planes=True).frame.shape == (512, 512, 3)


def test_a_lost_device_is_replaced_by_the_cpu_within_the_tick(own_gpu: Gpu, caplog: pytest.LogCaptureFixture) -> None:
    drawing = PortraitsTogether(own_gpu, rig("mara"))
    scene = scene_for(rig("mara"), Background.named("transparent"))
    assert isinstance(scene, PortraitScene)
    sessions, cpu = [GpuRenderer(drawing) for _ in range(2)], PortraitRenderer(rig("mara"))
    coder = GpuRenderer(drawing)
    assert coder.planes(FaceState()) is not None
    for each in (*sessions, cpu):
        each.show(scene)
        each.render(FaceState())
    own_gpu.device.destroy()
    face = random_face(np.random.default_rng(12))
    with caplog.at_level(logging.WARNING):
        assert coder.planes(face) is None
        np.testing.assert_array_equal(coder.render(face), PortraitRenderer(rig("mara")).render(face))
        for each in sessions:
            np.testing.assert_array_equal(each.render(face), cpu.render(face))
            np.testing.assert_array_equal(each.alpha, cpu.alpha)
    assert [record.message for record in caplog.records] == [
        "The graphics processor has stopped (Parent device is lost). The CPU draws from here on."
    ]


def test_a_device_without_memory_is_one_sentence(own_gpu: Gpu) -> None:
    with pytest.raises(GpuError, match="graphics processor"), devices.gpu_errors():
        GpuPortrait(own_gpu, rig("mara"), 100_000)


def test_auto_never_takes_one_that_the_cpu_imitates(caplog: pytest.LogCaptureFixture) -> None:
    gpu = chosen("auto")
    assert gpu is None or not gpu.software
    assert chosen("cpu") is None
    assert chosen("gpu") is not None
    assert all("imitates" in record.message for record in caplog.records)
    with pytest.raises(ValueError, match="give one of cpu, gpu, auto"):
        chosen("cuda")


def test_no_device_is_told_where_one_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_adapters", list)
    assert chosen("auto") is None
    with pytest.raises(GpuError, match="no graphics processor"):
        Fixture("mara", renderer="gpu")


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(devices.importlib.util, "find_spec", lambda name: None)
    assert chosen("auto") is None
    with pytest.raises(GpuError, match=r"bithuman-core\[gpu\]"):
        chosen("gpu")

"""Avatars in portrait and landscape format, and frames of another aspect than the avatar's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bithuman_core.build.analysis import analyse
from bithuman_core.build.assemble import assemble
from bithuman_core.build.photo.framing import FRAMINGS
from bithuman_core.build.photo.portrait import CANVAS
from bithuman_core.engine import FADE_TICKS, Engine, Fixture
from bithuman_core.face import FaceState
from bithuman_core.imx import write_imx
from bithuman_core.render import PortraitRenderer, PortraitRig, load_rig
from bithuman_core.render.scale import scaled
from bithuman_core.runtime.session import Session

ASTRONAUT = Path(__file__).parents[1] / "data" / "astronaut.jpg"
SIZES = {"1:1": (512, 512), "9:16": (512, 912), "16:9": (912, 512)}
SPEAKING = FaceState.from_mapping({"jawOpen": 0.3, "headYaw": 6.0, "headPitch": -3.0, "eyeBlinkLeft": 0.5})


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One photo (NASA, public domain) in every format."""
    folder = tmp_path_factory.mktemp("formats")
    paths = {}
    for aspect in FRAMINGS:
        paths[aspect] = folder / f"{aspect.replace(':', 'x')}.imx"
        write_imx(paths[aspect], *assemble(analyse(ASTRONAUT, aspect=aspect), aspect))
    return paths


def corner(rig: PortraitRig) -> tuple[int, int]:
    """Frame px of the square about the head."""
    return int(rig.centre[0] - CANVAS / 2) // 2, int(rig.centre[1] - CANVAS / 2) // 2


def difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.abs(a.astype(np.float64) - b).mean(2)


@pytest.mark.parametrize("aspect", ["9:16", "16:9"])
def test_the_face_is_the_same_in_every_format(files: dict[str, Path], aspect: str) -> None:
    square, other = load_rig(files["1:1"]), load_rig(files[aspect])
    assert (other.size, other.scale) == (SIZES[aspect], 0.5)
    assert other.measure(SPEAKING).gap == pytest.approx(square.measure(SPEAKING).gap, abs=0.003)
    for face in (FaceState(), SPEAKING):
        wide = PortraitRenderer(other).render(face)
        x, y = corner(other)
        inner = slice(110, 380), slice(150, 360)  # face and hair
        miss = difference(wide[y : y + 512, x : x + 512], PortraitRenderer(square).render(face))[inner]
        assert np.median(miss) < 3 and miss.mean() < 6, "laid out in its place, half a px aside at most"


@pytest.mark.parametrize("aspect", ["9:16", "16:9"])
def test_the_photo_goes_on_around_the_square(files: dict[str, Path], aspect: str) -> None:
    portrait = analyse(ASTRONAUT, aspect=aspect)
    width, height = SIZES[aspect]
    assert portrait.alpha.shape == (2 * height, 2 * width) and portrait.plate.shape == (height, width, 3)
    around = portrait.alpha.copy()
    x, y = portrait.corner
    around[y : y + CANVAS, x : x + CANVAS] = 0
    if aspect == "9:16":
        assert around[-100:, 400:700].min() > 0.9 and around[:100].max() < 0.1, "clothes below, nobody above"
    rest = PortraitRenderer(load_rig(files[aspect])).render(FaceState())
    plate, alpha = portrait.plate.repeat(2, 0).repeat(2, 1), portrait.alpha[..., None]
    photo = portrait.picture * alpha + plate * (1 - alpha)
    seen = (photo.reshape(height, 2, width, 2, 3).mean((1, 3))[..., ::-1] * 255).astype(np.uint8)
    x, y = x // 2, y // 2
    miss = difference(rest, seen)
    miss[y : y + 512, x : x + 512] = 0
    assert miss.mean() < 2 and np.quantile(miss, 0.99) < 20


@pytest.mark.parametrize("aspect", ["9:16", "16:9"])
def test_only_the_person_moves(files: dict[str, Path], aspect: str) -> None:
    rig = load_rig(files[aspect])
    renderer = PortraitRenderer(rig)
    rest, turned = renderer.render(FaceState()), renderer.render(SPEAKING)
    x, y = corner(rig)
    change = difference(rest, turned)
    assert change[y + 150 : y + 330, x + 170 : x + 340].mean() > 5
    change[y : y + 512, x : x + 512] = 0
    assert change.max() < 3  # levels: the soft edge of a shoulder that hardly moves


def test_frames_twice_as_large(files: dict[str, Path]) -> None:
    rig = load_rig(files["9:16"], 1024)
    assert (rig.size, rig.scale) == ((1024, 1824), 1.0)
    large, small = PortraitRenderer(rig).render(SPEAKING), PortraitRenderer(load_rig(files["9:16"])).render(SPEAKING)
    halved = large.reshape(912, 2, 512, 2, 3).mean((1, 3)).astype(np.uint8)
    assert difference(halved, small).mean() < 2


def test_a_session_keeps_its_size_and_shape(files: dict[str, Path]) -> None:
    """A square avatar takes over from a tall one: never stretched, no frame of another size."""
    session = Session(Fixture(files["9:16"]))
    session.change(Fixture(files["1:1"]))
    frames = []
    while len(frames) < FADE_TICKS + 2:
        frames.append(session.next_frame().bgr_image)
    assert {frame.shape for frame in frames if frame is not None} == {(912, 512, 3)}
    whole = Engine(Fixture(files["1:1"])).step().frame
    assert frames[-1] is not None and difference(frames[-1][200:712], whole)[100:400, 150:350].mean() < 8


SHOWN = [((64, 96), (64, 64)), ((160, 90), (90, 90)), ((256, 256), (256, 256)), ((100, 65), (65, 65))]


@pytest.mark.parametrize(("size", "inner"), SHOWN)
def test_a_picture_is_never_stretched(size: tuple[int, int], inner: tuple[int, int]) -> None:
    """A white square on black stays a square, in the middle."""
    frame = np.zeros((128, 128, 3), np.uint8)
    frame[32:96, 32:96] = 255
    out = scaled(frame, size)
    assert out.shape == (size[1], size[0], 3)
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    white = out[top : top + inner[1], left : left + inner[0], 0] > 127
    rows, columns = np.flatnonzero(white.any(1)), np.flatnonzero(white.any(0))
    assert abs(len(rows) - inner[0] / 2) <= 1 and abs(len(columns) - inner[1] / 2) <= 1

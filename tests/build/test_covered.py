"""Eyes behind dark glasses or a patch neither blink nor look around; dark eyes, shade and clear glasses are no reason not to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

pytest.importorskip("ai_edge_litert", reason="the photo builder's extra is not installed")

from bithuman_core.build.analysis import analyse
from bithuman_core.build.assemble import assemble
from bithuman_core.build.photo.faces import choose_face
from bithuman_core.build.photo.models import load_face_nets
from bithuman_core.build.scene.covered import covered_eyes
from bithuman_core.build.shape.canvas import lay_out
from bithuman_core.face import FaceState
from bithuman_core.imx import read_imx, write_imx
from bithuman_core.render import PortraitRenderer, read_rig
from tests.build.test_analysis import encoded

DATA = Path(__file__).parents[1] / "data"
FACES = ("faces/beard.webp", "faces/freckles.webp", "faces/smile.webp", "faces/blond.webp", "faces/turned.webp")
EYES = {"right": (33, 133), "left": (362, 263)}
BLACK, MIRROR, BLUE = (14, 14, 17, 255), (150, 175, 200, 245), (25, 60, 140, 150)


def photo(name: str) -> Image.Image:
    return Image.open(DATA / name).convert("RGB")


def behind(image: Image.Image, sides: tuple[str, ...], colour: tuple[int, int, int, int]) -> Image.Image:
    """The photo with a lens before these eyes, and a bridge from one to the other."""
    points = choose_face(load_face_nets(), image, None).face.landmarks[:, :2]
    out = image.copy()
    draw = ImageDraw.Draw(out, "RGBA")
    for a, b in (EYES[side] for side in sides):
        (x, y), size = points[[a, b]].mean(0), np.linalg.norm(points[a] - points[b])
        draw.ellipse((x - 1.05 * size, y - 0.75 * size, x + 1.05 * size, y + 1.1 * size), fill=colour)
    if len(sides) > 1:
        draw.line([(float(x), float(y)) for x, y in points[[133, 362]]], fill=(20, 20, 20, 255), width=5)
    return out


def seen(image: Image.Image) -> tuple[str, ...]:
    chosen = choose_face(load_face_nets(), image, None)
    canvas = lay_out(chosen.face, chosen.image)
    return covered_eyes(canvas.picture, canvas.landmarks)


@pytest.mark.parametrize("name", FACES)
def test_what_hides_eyes_is_seen(name: str) -> None:
    image = photo(name)
    for colour in (BLACK, MIRROR, BLUE):
        assert set(seen(behind(image, ("left", "right"), colour))) == {"left", "right"}, colour
    for side in EYES:
        assert seen(behind(image, (side,), BLACK)) == (side,)


def in_shade(image: Image.Image) -> Image.Image:
    """The upper half of the face at less than half of its light."""
    light = np.clip(np.linspace(-3, 5, image.height), 0.4, 1)[:, None, None]
    return Image.fromarray((np.asarray(image) * light).astype(np.uint8))


CHANGES: list[Callable[[Image.Image], Image.Image]] = [
    lambda image: image,
    lambda image: image.point([int(v * 0.4) for v in range(256)] * 3),  # dark
    lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    lambda image: image.convert("L").convert("RGB"),
    in_shade,
]


@pytest.mark.parametrize("name", [*FACES, "astronaut.jpg", "grace_hopper.jpg"])
def test_what_shows_eyes_is_no_cover(name: str) -> None:
    """Five faces of every skin, a smile, and Grace Hopper's glasses."""
    for change in CHANGES:
        assert seen(change(photo(name))) == ()


def eyes_moved(avatar: Path, shape: str, side: str) -> float:
    """Levels by which a shape changes the frame about an eye."""
    rig = read_rig(read_imx(avatar))
    renderer = PortraitRenderer(rig)
    x, y = rig.size[0] / 2 + (60 if side == "left" else -60), 205
    about = np.s_[y - 45 : y + 45, int(x) - 45 : int(x) + 45]
    plain, posed = (renderer.render(FaceState.from_mapping(pose))[about].astype(float) for pose in ({}, {shape: 1.0}))
    return float(np.abs(posed - plain).max())


@pytest.fixture(scope="module")
def patched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    portrait = analyse(encoded(behind(photo("faces/beard.webp"), ("left",), BLACK)))
    assert portrait.covered == ("left",) and any("The left eye is behind" in note for note in portrait.notes)
    path = tmp_path_factory.mktemp("covered") / "patch.imx"
    write_imx(path, *assemble(portrait, "Patch"))
    return path


@pytest.mark.parametrize("shape", ["eyeBlink", "eyeLookOut", "eyeWide", "eyeSquint"])
def test_a_covered_eye_is_left_alone_and_the_other_lives(patched: Path, shape: str) -> None:
    assert eyes_moved(patched, f"{shape}Left", "left") == 0
    assert eyes_moved(patched, f"{shape}Right", "right") > 20


def test_the_lens_stays_where_it_is(patched: Path) -> None:
    rig = read_rig(read_imx(patched))
    renderer = PortraitRenderer(rig)

    def black(**pose: float) -> NDArray[np.bool_]:
        return renderer.render(FaceState.from_mapping(pose))[130:290, 260:420].max(-1) < 60

    plain = black()
    assert plain.sum() > 3000
    for pose in ({"browInnerUp": 1.0, "browOuterUpLeft": 1.0}, {"cheekSquintLeft": 1.0, "mouthSmileLeft": 1.0}):
        assert (black(**pose) ^ plain).sum() < 0.06 * plain.sum()

"""What viewers notice of avatars made of photos stays within limits on every face that comes along: `benchmarks.photo_faults`."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("ai_edge_litert", reason="the photo builder's extra is not installed")

from benchmarks import photo_faults
from bithuman_core.build.analysis import analyse
from bithuman_core.build.assemble import assemble
from bithuman_core.build.photo.portrait import Portrait
from bithuman_core.imx import read_imx, write_imx
from bithuman_core.render import PortraitRig, read_rig

DATA = Path(__file__).parents[1] / "data"
FACES = (
    "astronaut.jpg",
    "grace_hopper.jpg",
    *(f"faces/{name}.webp" for name in ("beard", "blond", "freckles", "smile", "turned")),
)


@dataclass(frozen=True)
class Made:
    """A photo as it was analysed, and its avatar."""

    photo: Path
    portrait: Portrait
    rig: PortraitRig


@pytest.fixture(scope="module", params=FACES, ids=lambda name: Path(name).stem)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    portrait = analyse(DATA / request.param)
    path = tmp_path_factory.mktemp("face") / "face.imx"
    write_imx(path, *assemble(portrait, "face"))
    return Made(DATA / request.param, portrait, read_rig(read_imx(path)))


def test_closed_lids_have_the_colour_of_the_skin_about_them(made: Made) -> None:
    for lid in photo_faults.lids(made.rig).values():
        assert abs(lid.light) < 0.15
        assert lid.hue < 0.1


def test_teeth_stand_below_the_lip_and_fill_the_mouth(made: Made) -> None:
    """Upper ones 1.5 % of the face and more below closed lips, lower ones where the jaw falls; the upper ones stay."""
    found = photo_faults.teeth(made.rig)
    assert 0.014 < found.edge < 0.03
    assert found.across > 0.7
    assert found.lower > 0.3
    assert found.upper > 0.35
    assert photo_faults.pursed(made.rig) < 0.5


def test_lips_that_close_keep_their_area_and_colour(made: Made) -> None:
    found = photo_faults.lips(made.rig, made.portrait)
    assert 0.9 < found.area < 1.3
    assert found.upper > 0.5
    assert found.colour > 0.7


@pytest.mark.parametrize("name", ["faces/smile.webp", "grace_hopper.jpg"])
def test_a_grey_photo_speaks_in_grey(name: str, tmp_path: Path) -> None:
    """Mouth, lids and eyes as well."""
    assert photo_faults.chroma(avatar_of(Image.open(DATA / name).convert("L").convert("RGB"), tmp_path)) <= 4


def avatar_of(image: Image.Image, folder: Path) -> PortraitRig:
    """The avatar of a picture."""
    stream = io.BytesIO()
    image.save(stream, "PNG")
    write_imx(folder / "face.imx", *assemble(analyse(stream.getvalue()), "face"))
    return read_rig(read_imx(folder / "face.imx"))


def test_a_face_at_rest_is_even(made: Made) -> None:
    """Whatever the photo's expression was."""
    assert photo_faults.askew(made.rig) < 0.025


def test_the_frame_at_rest_is_the_photo_around_the_face(made: Made) -> None:
    assert photo_faults.around(made.rig, photo_faults.canvas_of(made.photo)) < 12  # levels of 255, 99 of 100 px


def test_no_outline_stays_behind_a_head_that_turns(made: Made) -> None:
    """Of hair, ears and earrings nothing is left in the picture of the background."""
    assert photo_faults.outline(made.rig) < 1.5  # levels of 255 a px steeper than the background about it


def test_edges_that_a_turn_brings_into_view_are_not_stretched(made: Made) -> None:
    """A jaw or hair drawn twice as wide is a row of spikes."""
    assert photo_faults.smeared(made.rig) < 1.6


def test_no_second_chin_frays_or_specks(made: Made) -> None:
    assert photo_faults.second_chin(made.rig, made.portrait) < 0.15
    assert photo_faults.frayed(made.rig) < 6
    assert photo_faults.specks(made.rig, made.portrait) <= 6

"""What viewers notice of avatars made of photos stays within limits on every face that comes along: `benchmarks.photo_faults`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

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

    name: str
    portrait: Portrait
    rig: PortraitRig


@pytest.fixture(scope="module", params=FACES, ids=lambda name: Path(name).stem)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    portrait = analyse(DATA / request.param)
    path = tmp_path_factory.mktemp("face") / "face.imx"
    write_imx(path, *assemble(portrait, "face"))
    return Made(Path(request.param).stem, portrait, read_rig(read_imx(path)))


def test_closed_lids_have_the_colour_of_the_skin_about_them(made: Made) -> None:
    for lid in photo_faults.lids(made.rig).values():
        assert abs(lid.light) < 0.15
        assert lid.hue < 0.1

"""What the tests of the demo share: two avatars, and a builder that needs no photo."""

from __future__ import annotations

from pathlib import Path

import pytest

from bithuman_core.demo.gallery import Gallery
from bithuman_core.demo.jobs import Report
from bithuman_core.errors import BuildError, SeveralFacesError
from bithuman_core.settings import models_dir

IMX = models_dir() / "erik.imx"
BAD_PHOTO = b"a cat"
TWO_FACES = b"two faces"


def fake_build(photo: Path, out: Path, name: str, consent: str, face: int | None, report: Report) -> list[str]:
    """Makes the same face of every photo."""
    report("finding the face", 0.5)
    if photo.read_bytes() == BAD_PHOTO:
        raise BuildError("no face was found in the photo: use one of a person from the front")
    if photo.read_bytes() == TWO_FACES and face is None:
        error = SeveralFacesError("found 2 faces: give its number as the face")
        error.faces = (b"the first", b"the second")
        raise error
    out.write_bytes(IMX.read_bytes())
    return ["The face is small"]


@pytest.fixture(scope="session")
def gallery() -> Gallery:
    return Gallery([models_dir() / "mara.imx", models_dir() / "theo.imx"])

"""Photos of strangers: an avatar is made elsewhere, and whatever goes wrong leaves nothing."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("ai_edge_litert", reason="the photo builder's extra is not installed")

from bithuman_core.errors import BuildError, IntakeError, SeveralFacesError
from bithuman_core.imx import read_imx
from bithuman_core.intake.allowance import MIB, PHOTO, Allowance
from bithuman_core.intake.pool import ReadingPool
from bithuman_core.uploads import build_from_photo, photo, reading_pool
from tests.intake.test_door import bomb

ASTRONAUT = Path(__file__).parents[1] / "data" / "astronaut.jpg"
CONSENT = "Public domain: a portrait by NASA."


@pytest.fixture(scope="module")
def pool() -> Iterator[ReadingPool]:
    made = reading_pool()
    yield made
    made.close()


def test_an_avatar_is_made_with_its_stages_told(pool: ReadingPool, tmp_path: Path) -> None:
    told: list[float] = []
    notes = build_from_photo(pool, ASTRONAUT, tmp_path / "a.imx", "Ada", CONSENT, report=lambda stage, share: told.append(share))
    assert read_imx(tmp_path / "a.imx").manifest.name == "Ada"
    assert notes and told == sorted(told) and told[-1] == 1.0
    assert [path.name for path in tmp_path.iterdir()] == ["a.imx"]


def test_of_several_faces_each_comes_with_its_picture(pool: ReadingPool, tmp_path: Path) -> None:
    photo = tmp_path / "us.png"
    with Image.open(ASTRONAUT) as one:
        both = Image.new("RGB", (2 * one.width, one.height))
        for left in (0, one.width):
            both.paste(one, (left, 0))
        both.save(photo)
    with pytest.raises(SeveralFacesError, match="found 2 faces") as error:
        build_from_photo(pool, photo, tmp_path / "a.imx", "Ada", CONSENT)
    sizes = [Image.open(io.BytesIO(picture)).size for picture in error.value.faces]
    assert len(sizes) == 2 and sizes[0] == sizes[1]
    with pytest.raises(BuildError, match="there is no face 3"):
        build_from_photo(pool, photo, tmp_path / "a.imx", "Ada", CONSENT, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["us.png"]


def test_one_that_nobody_waits_for_leaves_nothing(pool: ReadingPool, tmp_path: Path) -> None:
    class Gone(Exception):
        pass

    def leave(stage: str, share: float) -> None:
        raise Gone

    with pytest.raises(Gone):
        build_from_photo(pool, ASTRONAUT, tmp_path / "a.imx", "Ada", CONSENT, report=leave)
    assert list(tmp_path.iterdir()) == []


def picture(width: int, height: int) -> bytes:
    stream = io.BytesIO()
    Image.new("1", (width, height)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a cat", "no picture that can be read"),
        (picture(12_000, 12_000), "144 megapixels, and 32 are allowed"),
        (picture(20_000, 20_000), "too much memory"),
        (bomb(6000), "36 megapixels, and 32 are allowed"),
        (b"\x89PNG\r\n\x1a\n" + b"\xff" * 100, "no picture|damaged"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n(/etc/passwd) (r) file\n", "no picture that can be read"),
    ],
)
def test_what_is_no_photo_or_too_large(pool: ReadingPool, tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "me.png"
    path.write_bytes(content)
    with pytest.raises(BuildError, match=says):
        build_from_photo(pool, path, tmp_path / "a.imx", "Ada", CONSENT)
    assert [path.name for path in tmp_path.iterdir()] == ["me.png"]


@pytest.mark.parametrize(
    ("allowance", "says"),
    [
        (Allowance(work=0.3, wait=240, memory=PHOTO.memory), "0.3 seconds of work"),
        (Allowance(work=60, wait=240, memory=24 * MIB), "24 MiB of memory|too much memory|damaged"),
    ],
)
def test_one_that_takes_too_much_leaves_nothing(
    pool: ReadingPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowance: Allowance, says: str
) -> None:
    monkeypatch.setattr(photo, "PHOTO", allowance)
    with pytest.raises((IntakeError, BuildError), match=says):
        build_from_photo(pool, ASTRONAUT, tmp_path / "a.imx", "Ada", CONSENT)
    assert list(tmp_path.iterdir()) == []

"""What users may name as a background, and every way to name none."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bithuman_core.background import Background, Kind
from bithuman_core.background.picture import MAX_BYTES, read_picture
from bithuman_core.errors import BackgroundError, BithumanError
from bithuman_core.render.matte.scene import stage


def png(size: tuple[int, int], colour: tuple[int, ...] = (10, 20, 30), mode: str = "RGB") -> bytes:
    out = BytesIO()
    Image.new(mode, size, colour).save(out, "PNG")
    return out.getvalue()


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_a_colour_is_what_its_digits_say_and_can_be_written_back(colour: tuple[int, int, int]) -> None:
    named = Background.of("#{:02X}{:02x}{:02X}".format(*colour))
    assert named.kind is Kind.COLOUR and named.colour == colour
    assert Background.of(str(named)).colour == colour


@given(st.text(max_size=40))
def test_any_other_text_gets_a_sentence(text: str) -> None:
    try:
        background = Background.named(text)
    except BackgroundError as error:
        assert error.message.endswith(".") and "\n" not in error.message
    else:
        assert str(background) == text.strip().lower() or background.kind.value == text.strip()


@pytest.mark.parametrize(
    ("choice", "says"),
    [("#12", "six digits"), ("#gggggg", "six digits"), ("green", "#rrggbb"), ("", "#rrggbb"), (7, "int"),
     ("no/such/file.png", "#rrggbb"), (np.zeros((4, 4), np.uint8), "height"), (np.zeros((4, 4, 3)), "uint8")],
)  # fmt: skip
def test_what_is_none_is_refused(choice: object, says: str) -> None:
    with pytest.raises(BackgroundError, match=says) as error:
        Background.of(choice)  # type: ignore[arg-type]
    assert isinstance(error.value, ValueError) and isinstance(error.value, BithumanError)


def test_a_name_from_afar_opens_no_file(tmp_path: Path) -> None:
    (tmp_path / "room.png").write_bytes(png((4, 4)))
    assert Background.of(str(tmp_path / "room.png")).kind is Kind.PICTURE
    with pytest.raises(BackgroundError):
        Background.named(str(tmp_path / "room.png"))


@pytest.mark.parametrize(("form", "off"), [("PNG", 0), ("JPEG", 3), ("WEBP", 6)])
def test_pictures_of_common_kinds_are_read(tmp_path: Path, form: str, off: int) -> None:
    path = tmp_path / f"room.{form.lower()}"
    Image.new("RGB", (60, 40), (200, 100, 50)).save(path, form)
    picture = Background.of(path).picture
    assert picture is not None and picture.shape == (40, 60, 3)
    assert np.abs(picture.astype(int) - (200, 100, 50)).max() <= off


def test_a_picture_that_lies_on_its_side_is_turned_upright() -> None:
    out, exif = BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (60, 40)).save(out, "JPEG", exif=exif)
    assert read_picture(out.getvalue()).shape == (60, 40, 3)


def test_what_is_clear_in_a_picture_is_black() -> None:
    assert (read_picture(png((8, 8), (255, 255, 255, 0), "RGBA")) == 0).all()


def test_a_large_picture_is_made_smaller() -> None:
    assert max(read_picture(png((4000, 500)))[..., 0].shape) == 2160


def header(width: int, height: int) -> bytes:
    """A PNG that says it is so large."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return body + struct.pack(">I", 4) + b"IDAT" + b"xxxx" + struct.pack(">I", zlib.crc32(b"IDATxxxx"))


@pytest.mark.parametrize(
    ("content", "says"),
    [(header(9000, 9000), "megapixels"), (header(60000, 60000), "memory"), (b"hello", "JPEG"), (b"", "JPEG"),
     (png((64, 64))[:60], "damaged"), (bytes(MAX_BYTES + 1), "MiB"), (b"GIF89a" + bytes(40), "JPEG")],
)  # fmt: skip
def test_a_picture_that_cannot_be_used_gets_a_sentence(content: bytes, says: str) -> None:
    with pytest.raises(BackgroundError, match=says) as error:
        read_picture(content)
    assert error.value.message.endswith(".")


@given(st.binary(max_size=200), st.integers(0, 300))
def test_damaged_pictures_end_in_our_error_alone(noise: bytes, at: int) -> None:
    whole = png((16, 16))
    try:
        read_picture(whole[:at] + noise + whole[at + len(noise) :])
    except BackgroundError as error:
        assert error.message.endswith(".")


@pytest.mark.parametrize("size", [(400, 100), (100, 400), (64, 64)])
def test_a_picture_fills_the_frame_unstretched_about_its_middle(size: tuple[int, int]) -> None:
    wide, tall = size
    picture = np.zeros((tall, wide, 3), np.uint8)
    side = min(size) // 2
    picture[(tall - side) // 2 : (tall + side) // 2, (wide - side) // 2 : (wide + side) // 2] = 255
    plate = stage(Background.of(picture), np.zeros((80, 80, 3), np.uint8))
    assert plate is not None and plate.shape == (80, 80, 3)
    seen = plate[..., 0] > 127
    assert abs(int(seen.any(0).sum()) - 40) <= 1 and abs(int(seen.any(1).sum()) - 40) <= 1  # a square stays one, of its share
    assert abs(float(np.argwhere(seen).mean()) - 39.5) < 1

"""A photo that holds more than a small frame shows keeps it for a large one."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

pytest.importorskip("ai_edge_litert", reason="the photo builder's extra is not installed")

from bithuman_core.build.analysis import analyse
from bithuman_core.build.assemble import assemble
from bithuman_core.build.photo.pixels import halved
from bithuman_core.build.photo.portrait import Portrait
from bithuman_core.face import FaceState
from bithuman_core.imx import read_imx, write_imx
from bithuman_core.render import PortraitRenderer, read_rig
from bithuman_core.render.scale import scaled

PHOTO = Path(__file__).parents[1] / "data" / "faces" / "freckles.webp"
HAIR, FOREHEAD = (slice(150, 230), slice(450, 570)), (slice(260, 360), slice(420, 600))  # px of a frame of 1024
HAIR_OF_SMALL = slice(75, 115), slice(225, 285)  # of one of 512


def large() -> Portrait:
    """The portrait of a photo three times as large as its own, with pores."""
    photo = Image.open(PHOTO).convert("RGB")
    photo = photo.resize((3 * photo.width, 3 * photo.height), Image.Resampling.BICUBIC)
    pores = np.random.default_rng(0).normal(0, 12, (photo.height // 4, photo.width // 4, 1)).repeat(4, 0).repeat(4, 1)
    stream = io.BytesIO()
    Image.fromarray(np.clip(np.asarray(photo) + pores, 0, 255).astype(np.uint8)).save(stream, "PNG")
    return analyse(stream.getvalue())


def detail(frame: NDArray[Any], part: tuple[slice, slice]) -> NDArray[np.float64]:
    """What is fine in a part of a frame of 1024 px, as one row."""
    light = frame.astype(np.float64).mean(2)
    return (light - ndimage.gaussian_filter(light, 1.5))[part].ravel()


def test_a_frame_of_1024_px_is_as_sharp_as_the_photo(tmp_path: Path) -> None:
    portrait = large()
    assert portrait.fine and portrait.plate.shape == portrait.picture.shape
    write_imx(tmp_path / "face.imx", *assemble(portrait, "face"))
    avatar = read_imx(tmp_path / "face.imx")
    assert avatar.manifest.rig["texture_scale"] == 2 and avatar.manifest.canvas == (512, 512)
    alpha = portrait.alpha[..., None]
    photo = (portrait.picture * alpha + portrait.plate * (1 - alpha))[..., ::-1] * 255
    fine, small = (PortraitRenderer(read_rig(avatar, side)).render(FaceState()) for side in (1024, None))

    enlarged = scaled(small, (1024, 1024))
    kept, lost = (np.corrcoef(detail(frame, HAIR), detail(photo, HAIR))[0, 1] for frame in (fine, enlarged))
    assert kept > 0.93 and kept > lost + 0.1
    kept, lost = (detail(frame, FOREHEAD).std() / detail(photo, FOREHEAD).std() for frame in (fine, enlarged))
    assert 1.1 > kept > 0.6 and kept > 1.15 * lost, "the face at rest is calmer than in the photo, and a px or two aside"
    assert np.abs(small - halved(photo.astype(np.float32)))[HAIR_OF_SMALL].mean() < 5, "small frames are as before"


def test_a_small_photo_is_stored_once() -> None:
    portrait = analyse(PHOTO)
    assert not portrait.fine and "texture_scale" not in assemble(portrait, "face")[0].rig

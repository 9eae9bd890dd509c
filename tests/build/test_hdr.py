"""HDR clips look like what their camera saw: light, hue and highlights against formulas written the other way round."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("ai_edge_litert", reason="the photo builder's extra is not installed")

from bithuman_core.build.photo import hdr
from bithuman_core.build.photo.clip import Clip

SKIN = np.array([[224, 172, 146], [141, 92, 66], [74, 46, 34]], np.float64)
"""Of three people, sRGB."""


def linear(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    srgb = srgb / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def hlg(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """The signal of light [..., 3] in cd/m2, BT.2100: inverse OOTF for 1000 cd/m2, then the OETF."""
    luma = light @ [0.2627, 0.6780, 0.0593] / 1000
    scene = light / 1000 * np.maximum(luma, 1e-9)[..., None] ** (1 / 1.2 - 1)
    return np.where(
        scene <= 1 / 12, np.sqrt(3 * scene), 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    )


def pq(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same, by SMPTE ST 2084."""
    power = (light / 10000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


SIGNALS = {hdr.HLG: hlg, hdr.PQ: pq}


def coded(srgb: NDArray[np.float64], transfer: int) -> NDArray[np.uint16]:
    """A picture [h, w, 3] of sRGB as HDR of 16 bits with BT.2020's colours, its white at 203 cd/m2."""
    light = linear(srgb) @ np.linalg.inv(hdr.TO_SRGB[hdr.BT2020].astype(float)).T * 203
    return np.round(np.clip(SIGNALS[transfer](np.maximum(light, 0)), 0, 1) * 65535).astype(np.uint16)


@pytest.mark.parametrize("transfer", SIGNALS)
def test_faces_keep_light_and_hue(transfer: int) -> None:
    seen = hdr.to_srgb(coded(SKIN[None], transfer), transfer, hdr.BT2020)[0].astype(float)
    np.testing.assert_allclose(seen[1:], SKIN[1:], atol=3)
    np.testing.assert_allclose(seen[0], SKIN[0], atol=16)  # near white the roll-off of highlights has begun
    np.testing.assert_allclose(linear(seen) / linear(seen)[:, :1], linear(SKIN) / linear(SKIN)[:, :1], atol=0.04)


@pytest.mark.parametrize("transfer", SIGNALS)
def test_highlights_grow_up_to_white_and_never_turn(transfer: int) -> None:
    grey = np.repeat(np.linspace(0, 65535, 1024).astype(np.uint16)[None, :, None], 3, -1)
    steps = hdr.to_srgb(grey, transfer, hdr.BT2020)[0, :, 1].astype(int)
    assert (np.diff(steps) >= 0).all() and steps[0] == 0 and steps[-1] == 255
    assert len(np.unique(steps)) > 245, "ten bits leave no gaps in eight"


def test_wide_colours_without_hdr() -> None:
    """Red of Display P3 beyond sRGB is clipped, grey stays grey, and sRGB's own red is found where P3 has it."""
    colours = np.array([[[65535, 0, 0], [30000, 30000, 30000], [60152, 13177, 9101]]], np.uint16)
    red, grey, less = hdr.to_srgb(colours, 1, hdr.P3)[0].astype(int)
    assert red.tolist() == [255, 0, 0] and np.ptp(grey) <= 1 and less[0] > 235 and max(less[1:]) < 60


def clip(pictures: list[NDArray[np.uint16]], transfer: int) -> bytes:
    """A 10-bit clip without loss."""
    stream = io.BytesIO()
    with av.open(stream, "w", format="matroska") as container:
        out = container.add_stream("libx264", rate=5, options={"qp": "0"})
        out.height, out.width = pictures[0].shape[:2]
        out.pix_fmt = "yuv444p10le"
        context = out.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = hdr.BT2020, transfer, 9, 1
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb48le").reformat(format="yuv444p10le", dst_colorspace=9)
            frame.pts, frame.time_base = number, Fraction(1, 5)
            container.mux(out.encode(frame))
        container.mux(out.encode())
    return stream.getvalue()


@pytest.mark.parametrize("transfer", SIGNALS)
def test_an_hdr_clip_looks_like_the_plain_one(transfer: int) -> None:
    plain = np.repeat(np.repeat(SKIN[1:, None], 96, 1), 48, 0)
    source = Clip(clip([coded(plain, transfer)] * 2, transfer))
    pictures = [np.asarray(image, float) for _, image in source.pictures()]
    assert len(pictures) == 2 and source.notes == [hdr.NOTE]
    np.testing.assert_allclose(pictures[0][::90, 40], plain[::90, 40], atol=5)

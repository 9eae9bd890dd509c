"""Cut-outs as files: what went in comes out, colours and alpha, and nothing is left of what fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bithuman_core.audio.alpha_video import Layer, bled, write_alpha_video, write_frames
from bithuman_core.errors import BackgroundError
from bithuman_core.types import VideoFrame, straight

SOUND = (3000 * np.sin(np.arange(6400) / 9)).astype(np.int16)


def layers(count: int = 10, clear: bool = True) -> Iterator[Layer]:
    """A disc that grows, orange, soft at its edge; its colours times alpha."""
    y, x = np.mgrid[0:64, 0:96]
    for k in range(count):
        alpha = np.clip(20 + k - np.hypot(x - 48, y - 32), 0, 4) / 4
        picture = np.rint(alpha[..., None] * (20, 120, 230)).astype(np.uint8)
        yield picture, np.rint(255 * alpha).astype(np.uint8) if clear else None


def decoded(path: Path) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        own = path.suffix == ".webm"  # FFmpeg's own decoder of VP9 knows no alpha
        codec: Any = av.CodecContext.create("libvpx-vp9", "r") if own else stream.codec_context
        frames = [frame for packet in container.demux(stream) for frame in codec.decode(packet if packet.size else None)]
    return [frame.reformat(format="bgra").to_ndarray() for frame in frames]


@pytest.mark.parametrize(("name", "off"), [("out.webm", 12), ("out.mov", 3)])
def test_colours_and_alpha_come_back(tmp_path: Path, name: str, off: int) -> None:
    path = tmp_path / name
    assert write_alpha_video(path, layers(), SOUND, 16000, title="x") == 10
    frames = decoded(path)
    assert len(frames) == 10
    for frame, (picture, alpha) in zip(frames, layers(), strict=True):
        assert alpha is not None
        assert np.abs(frame[..., 3].astype(int) - alpha).mean() < 1
        solid = alpha > 128
        assert np.abs(frame[solid, :3].astype(int) - straight(picture, alpha)[solid, :3]).mean() < off
    with av.open(str(path)) as container:
        assert "ynthetic" in "".join(container.metadata.values())
        heard = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
    assert heard == pytest.approx(0.4, abs=0.05)


def test_frames_are_exact(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    assert write_frames(folder, layers(3)) == 3
    assert [path.name for path in sorted(folder.iterdir())] == [f"frame_{k:05d}.png" for k in range(3)]
    for path, (picture, alpha) in zip(sorted(folder.iterdir()), layers(3), strict=True):
        with Image.open(path) as image:
            assert (np.asarray(image)[..., [2, 1, 0, 3]] == straight(picture, alpha)).all()


def test_what_hides_everything_is_written_without_alpha(tmp_path: Path) -> None:
    write_frames(tmp_path / "frames", layers(1, clear=False))
    with Image.open(tmp_path / "frames" / "frame_00000.png") as image:
        assert image.mode == "RGB"
    write_alpha_video(tmp_path / "out.webm", layers(2, clear=False), SOUND, 16000)
    assert (decoded(tmp_path / "out.webm")[0][..., 3] == 255).all()


def fails() -> Iterator[Layer]:
    yield next(layers())
    raise OSError("the disk is gone")


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="disk"):
        write_alpha_video(tmp_path / "out.webm", fails(), SOUND, 16000)
    with pytest.raises(OSError, match="disk"):
        write_frames(tmp_path / "frames", fails())
    with pytest.raises(ValueError, match="one frame"):
        write_frames(tmp_path / "frames", iter(()))
    with pytest.raises(ValueError, match="one frame"):
        write_alpha_video(tmp_path / "out.mov", iter(()), SOUND, 16000)
    assert not list(tmp_path.iterdir())


def test_other_names_and_folders_that_are_used_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BackgroundError, match="webm"):
        write_alpha_video(tmp_path / "out.mp4", layers(), SOUND, 16000)
    (tmp_path / "note").write_text("mine")
    with pytest.raises(FileExistsError, match="something"):
        write_frames(tmp_path, layers())
    assert (tmp_path / "note").read_text() == "mine"


def test_straight_alpha_undoes_the_product() -> None:
    rng = np.random.default_rng(1)
    colours = rng.integers(0, 256, (40, 40, 3))
    alpha = rng.integers(0, 256, (40, 40)).astype(np.uint8)
    times = np.rint(colours * alpha[..., None] / 255).astype(np.uint8)
    frame = VideoFrame(times, alpha=alpha)
    assert frame.bgra_image is not None
    back = frame.bgra_image[..., :3].astype(int)
    assert (np.abs(back - colours) * alpha[..., None] <= 0.5 * 255 + alpha[..., None]).all()  # as near as whole levels allow
    opaque = VideoFrame(times).bgra_image
    assert opaque is not None and (opaque[..., 3] == 255).all() and (opaque[..., :3] == times).all()
    assert VideoFrame().bgra_image is None


def test_colours_go_on_where_it_is_clear_so_that_coding_mixes_in_no_black() -> None:
    picture, alpha = next(layers())
    assert alpha is not None
    out = bled(straight(picture, alpha))
    assert (out[..., 3] == alpha).all() and (out[alpha > 0] == straight(picture, alpha)[alpha > 0]).all()
    y, x = np.mgrid[0:64, 0:96]
    beside = (alpha == 0) & (np.hypot(x - 48, y - 32) < 22)
    assert out[beside, 2].mean() > 180

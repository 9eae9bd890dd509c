"""The encoder of a visit's picture: ``python -m benchmarks.encoder [cpu-used=-12,qmin=2 ...]``

aiortc's own, ours, and ours with other options of libvpx, all of the same pictures of a face that speaks, one after the other
with each picture: CPU time, bits, and how close what a receiver decodes is to what was drawn (SSIM of the brightness).
"""

from __future__ import annotations

import argparse
import sys
import time
from fractions import Fraction
from typing import Any

import av
import numpy as np
from aiortc.codecs import vpx
from aiortc.codecs.vpx import Vp8Encoder, vp8_depayload
from av import VideoFrame
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from bithuman_core.audio import float32_to_int16, load_audio
from bithuman_core.engine import Fixture, render_clip
from bithuman_core.fastrtc.media import vp8
from bithuman_core.fastrtc.media.yuv import YuvConverter
from bithuman_core.settings import speech_clip
from bithuman_core.timing import FPS, SAMPLE_RATE

SETTLED = 20  # pictures after which encoding and decoding are looked at
EVERY = 5  # of them is compared


class Tried(vp8.DrawnVp8Encoder):
    """Ours, with options over its own."""

    def __init__(self, options: dict[str, str]) -> None:
        super().__init__()
        self._options = options

    @property
    def codec(self) -> Any:
        """See the base class."""
        codec = super().codec
        if codec is not None and not codec.is_open:
            codec.options = {**codec.options, **self._options}
        return codec

    @codec.setter
    def codec(self, codec: Any) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._codec = codec


class Line:
    """One encoder and what it did."""

    def __init__(self, name: str, encoder: Vp8Encoder, rate: int) -> None:
        self.name, self._encoder, self._decoder = name, encoder, av.CodecContext.create("vp8", "r")
        encoder.target_bitrate = rate
        self.seconds, self.bytes, self.alike = list[float](), 0, list[float]()

    def take(self, planes: NDArray[np.uint8], index: int) -> None:
        """Encode and decode a picture, I420 [h * 3 / 2, w]."""
        frame = VideoFrame.from_ndarray(planes, "yuv420p")
        frame.pts, frame.time_base = index, Fraction(1, FPS)
        began = time.thread_time()
        payloads, _ = self._encoder.encode(frame)
        self.seconds.append(time.thread_time() - began)
        data = b"".join(map(vp8_depayload, payloads))
        self.bytes += len(data)
        (seen,) = self._decoder.decode(av.Packet(data))  # type: ignore[attr-defined]
        if index >= SETTLED and index % EVERY == 0:
            height = len(planes) * 2 // 3
            self.alike.append(float(structural_similarity(seen.to_ndarray()[:height], planes[:height])))  # type: ignore[arg-type]

    def told(self, pictures: int) -> str:
        """A row of the table."""
        took, rate = 1000 * np.mean(self.seconds[SETTLED:]), 8e-3 * self.bytes * FPS / pictures
        return f"{self.name:40s}{took:8.2f}{rate:9.0f}{np.mean(self.alike):9.4f}{np.min(self.alike):9.4f}"


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("options", nargs="*", help="of libvpx, name=value,name=value: one encoder each")
    parser.add_argument("--avatar", default="mara")
    parser.add_argument("--seconds", type=int, default=12)
    given = parser.parse_args()
    speech = float32_to_int16(load_audio(speech_clip(), SAMPLE_RATE)[0])[: given.seconds * SAMPLE_RATE]
    converter = YuvConverter()
    ticks = render_clip(Fixture(given.avatar), speech, seed=3)
    pictures = [np.asarray(converter.take(tick.frame).to_ndarray(), np.uint8) for tick in ticks]
    vpx.MAX_BITRATE = 10_000_000
    for rate in (1_500_000, 2_500_000):
        lines = [Line("aiortc's own", Vp8Encoder(), rate), Line("ours", Tried({}), rate)]
        lines += [Line(text, Tried(dict(each.split("=", 1) for each in text.split(","))), rate) for text in given.options]
        for index, planes in enumerate(pictures):
            for line in lines if index % 2 else reversed(lines):
                line.take(planes, index)
        print(f"\n{f'{given.avatar}, {rate / 1e6} Mbit/s at most':40s}{'CPU, ms':>8s}{'kbit/s':>9s}{'SSIM':>9s}{'least':>9s}")
        print("\n".join(line.told(len(pictures)) for line in lines), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

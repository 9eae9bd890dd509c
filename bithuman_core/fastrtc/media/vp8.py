"""The encoder of the picture: aiortc's VP8, set for a picture that is drawn."""

from __future__ import annotations

from aiortc.codecs.vpx import Vp8Encoder
from av.frame import Frame
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame

# A drawn picture has no noise: libvpx's denoiser only blurs it, and costs time. A quick speed then still gives a cleaner picture
# than aiortc's own setting (-6 and the denoiser), for half the work: 1.8 ms a frame of 512 px instead of 3.3.
# The background never moves: blocks that differ by less than the threshold are not sent again. At 300 the picture is as close to
# the drawn one as without it, for a sixth less work and a tenth fewer packets; from 600 on it blurs.
# A quantiser finer than the fifth, and a speed of -12, add what nobody sees (SSIM .9920 instead of .9906 at 2.5 Mbit/s, .9900 and
# .9896 at 1.5; aiortc's own has .9870 and .9854) for up to a third more bits and a tenth more work (benchmarks/encoder.py).
OPTIONS = {"noise-sensitivity": "0", "cpu-used": "-14", "static-thresh": "300", "qmin": "5"}


class DrawnVp8Encoder(Vp8Encoder):
    """Puts its own options over aiortc's, which sets them each time it makes a codec and opens that with its first picture."""

    _codec: VideoCodecContext | None = None

    def encode(self, frame: Frame, force_keyframe: bool = False) -> tuple[list[bytes], int]:
        """The payloads of a picture's packets, and its time in 90 kHz."""
        assert isinstance(frame, VideoFrame)
        frame.pict_type = PictureType.NONE  # one that is sent again may have been asked for as a key frame
        return super().encode(frame, force_keyframe)

    @property
    def codec(self) -> VideoCodecContext | None:
        """libvpx, or None before the first picture."""
        if self._codec is not None and not self._codec.is_open:
            self._codec.options = {**self._codec.options, **OPTIONS}
        return self._codec

    @codec.setter
    def codec(self, codec: VideoCodecContext | None) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._codec = codec

"""What FastRTC and aiortc are told about the avatar's stream."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from fractions import Fraction
from typing import Any, cast

import numpy as np
import pytest
from aiortc import RTCPeerConnection, RTCRtpCodecParameters
from aiortc.codecs import depayload, get_encoder, vpx
from aiortc.codecs.vpx import Vp8Decoder, Vp8Encoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.mediastreams import VideoStreamTrack
from aiortc.rtp import RtpPacket
from av import VideoFrame
from numpy.typing import NDArray

from bithuman_core.engine import Fixture, render_clip
from bithuman_core.fastrtc.media.vp8 import DrawnVp8Encoder
from bithuman_core.fastrtc.media.yuv import KEPT, YuvConverter
from bithuman_core.fastrtc.stream import MAX_BITRATE, MIN_BITRATE, PromptJitterBuffer, avatar_stream
from bithuman_core.timing import SAMPLE_RATE
from tests.demo.test_soak import Light
from tests.fastrtc.peer import connected

CODEC = RTCRtpCodecParameters(mimeType="video/VP8", clockRate=90_000)


async def no_servers() -> dict[str, Any]:
    return {"iceServers": []}


def no_engine() -> Any:
    raise AssertionError("no visitor, no engine")


def packet(number: int, timestamp: int) -> RtpPacket:
    made = RtpPacket(sequence_number=number, timestamp=timestamp)
    made._data = bytes([number])  # type: ignore[attr-defined]
    return made


def test_the_stream_lets_in_as_many_visitors_as_it_was_told() -> None:
    stream = avatar_stream(no_engine, visitors=3, rtc_configuration=no_servers)
    assert stream.concurrency_limit == 3
    assert (vpx.MIN_BITRATE, vpx.MAX_BITRATE) == (MIN_BITRATE, MAX_BITRATE)
    encoder = vpx.Vp8Encoder()
    encoder.target_bitrate = 1
    assert encoder.target_bitrate == MIN_BITRATE


def distortion(encoder: Vp8Encoder, frames: list[NDArray[np.uint8]]) -> float:
    """Mean square error of what a receiver sees, in grey levels."""
    decoder, errors = Vp8Decoder(), list[float]()
    for index, frame in enumerate(frames):
        picture = VideoFrame.from_ndarray(frame, format="bgr24")
        picture.pts, picture.time_base = index, Fraction(1, 25)
        payloads, _ = encoder.encode(picture)
        data = b"".join(depayload(CODEC, payload) for payload in payloads)
        shown = decoder.decode(JitterFrame(data=data, timestamp=3600 * index))
        for seen in shown:
            assert isinstance(seen, VideoFrame)
            errors.append(float(((seen.to_ndarray(format="bgr24").astype(np.float64) - frame) ** 2).mean()))
    return float(np.mean(errors[10:]))


def test_the_encoder_shows_a_drawn_face_cleaner_than_the_stock_one(fixture: Fixture, speech: NDArray[np.int16]) -> None:
    avatar_stream(no_engine, visitors=1, rtc_configuration=no_servers)
    frames = [tick.frame.copy() for tick in render_clip(fixture, speech[: 2 * SAMPLE_RATE])]
    ours = get_encoder(CODEC)
    assert isinstance(ours, DrawnVp8Encoder)
    assert distortion(ours, frames) < 0.95 * distortion(Vp8Encoder(), frames)


@pytest.mark.parametrize(("width", "height"), [(512, 512), (288, 512), (512, 288), (50, 34)])
def test_the_picture_reaches_the_encoder_in_its_colours(width: int, height: int) -> None:
    """As swscale makes them, up to the rounding."""
    planes, random = YuvConverter(), np.random.default_rng(7)
    # 2 x 2 px of a colour: how chroma is sited does not matter
    pictures = [random.integers(0, 256, (height // 2, width // 2, 3), np.uint8).repeat(2, 0).repeat(2, 1) for _ in range(8)]
    waiting: deque[tuple[VideoFrame, VideoFrame]] = deque(maxlen=1 + KEPT)
    for picture in pictures:
        waiting.append((planes.take(picture), VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="yuv420p")))
        for made, known in waiting:  # those before are what they were
            assert np.abs(made.to_ndarray().astype(np.int16) - known.to_ndarray()).max() <= 1


def test_planes_of_a_graphics_processor_reach_the_encoder_as_they_are() -> None:
    coded = np.random.default_rng(7).integers(0, 256, (50 * 3 // 2, 88), np.uint8)
    np.testing.assert_array_equal(YuvConverter().take(coded).to_ndarray(), coded)


def test_a_key_frame_is_followed_by_small_ones() -> None:
    encoder, sizes = DrawnVp8Encoder(), list[int]()
    noise = np.random.default_rng(7).integers(0, 256, (64, 64, 3), np.uint8)
    for index in range(12):
        picture = VideoFrame.from_ndarray(noise, format="bgr24")
        picture.pts, picture.time_base = index, Fraction(1, 25)
        payloads, _ = encoder.encode(picture, force_keyframe=index == 6)
        sizes.append(sum(map(len, payloads)))
    assert sizes[6] > 4 * max(sizes[7:])


async def test_connections_hand_sound_on_at_once() -> None:
    avatar_stream(no_engine, visitors=1, rtc_configuration=no_servers)
    connection = RTCPeerConnection()
    receiver = connection.addTransceiver("audio").receiver
    assert any(isinstance(value, PromptJitterBuffer) for value in vars(receiver).values())
    await connection.close()


class Camera(VideoStreamTrack):
    """Sends pictures though nobody asked for any."""

    def __init__(self) -> None:
        super().__init__()
        self.sent, self.enough = 0, asyncio.Event()

    async def recv(self) -> VideoFrame:
        self.sent += 1
        if self.sent > 10:
            self.enough.set()
        frame = VideoFrame.from_ndarray(np.full((48, 64, 3), self.sent % 256, np.uint8), format="bgr24")
        frame.pts, frame.time_base = await self.next_timestamp()
        return frame


async def test_pictures_that_a_visitor_sends_are_never_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """FastRTC turns each into an array on the event loop; one of 16383 x 16383 px takes a gigabyte and a second."""
    decoding = set[int]()  # threads

    class Watched(Vp8Decoder):
        def decode(self, encoded_frame: JitterFrame) -> list[Any]:
            decoding.add(threading.get_ident())
            return super().decode(encoded_frame)

    monkeypatch.setattr("aiortc.codecs.Vp8Decoder", Watched)
    stream = avatar_stream(lambda: cast(Any, Light()), visitors=1, rtc_configuration=no_servers)
    camera = Camera()
    async with connected(stream, camera=camera) as peer:
        await asyncio.wait_for(camera.enough.wait(), 60)
        seen = len(peer.pictures)
        await peer.until(lambda: len(peer.pictures) > seen + 10)
        line = next(line for line in stream.pcs["peer"].getTransceivers() if line.kind == "video")
        assert len(decoding) == 1, "the peer decodes what it sees, and nobody else does"
        assert cast(Any, line.receiver.track)._queue.empty()
    assert camera.sent > 10


def test_packets_are_put_in_order_and_not_kept_back() -> None:
    buffer = PromptJitterBuffer(capacity=16, prefetch=4)
    assert buffer.add(packet(0, 0))[1] is None
    frame = buffer.add(packet(1, 960))[1]
    assert frame is not None
    assert frame.data == bytes([0])
    assert buffer.add(packet(3, 2880))[1] is None  # 2 is on its way
    frame = buffer.add(packet(2, 1920))[1]
    assert frame is not None
    assert frame.data == bytes([1])

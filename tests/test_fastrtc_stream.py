"""What FastRTC and aiortc are told about the avatar's stream."""

from __future__ import annotations

from typing import Any

from aiortc import RTCPeerConnection
from aiortc.codecs import vpx
from aiortc.rtp import RtpPacket

from bithuman_core.fastrtc.stream import MAX_BITRATE, MIN_BITRATE, PromptJitterBuffer, avatar_stream


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


async def test_connections_hand_sound_on_at_once() -> None:
    avatar_stream(no_engine, visitors=1, rtc_configuration=no_servers)
    connection = RTCPeerConnection()
    receiver = connection.addTransceiver("audio").receiver
    assert any(isinstance(value, PromptJitterBuffer) for value in vars(receiver).values())
    await connection.close()


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

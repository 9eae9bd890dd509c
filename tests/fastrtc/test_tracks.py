"""The tracks for peer connections of one's own, and a handler as public examples write it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import av
import numpy as np
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from numpy.typing import NDArray

from bithuman_core import AsyncBithuman, Fixture
from bithuman_core.audio import resample
from bithuman_core.errors import RuntimeNotReadyError
from bithuman_core.fastrtc.media.lip_sync_delay import LAG_SECONDS, VOICE_RATE
from bithuman_core.fastrtc.tracks import BitHumanAudioTrack, BitHumanVideoTrack
from examples.fastrtc_handler import Echo
from tests.simulated import SimulatedClock

TICK, PACKET = 640, 960


@pytest.fixture
async def runtime(fixture: Fixture) -> AsyncIterator[AsyncBithuman]:
    async with AsyncBithuman(fixture, clock=SimulatedClock(), output_size=128) as made:
        yield made


async def watch(
    video: BitHumanVideoTrack, audio: BitHumanAudioTrack, ticks: int
) -> tuple[list[av.VideoFrame], list[av.AudioFrame]]:
    """What a peer connection gets: one picture and two packets of sound a tick."""
    pictures, packets = [], []
    for _ in range(ticks):
        pictures.append(await video.recv())
        packets += [await audio.recv(), await audio.recv()]
    return pictures, packets


async def test_pictures_and_voice_on_one_time_line(runtime: AsyncBithuman, speech: NDArray[np.int16]) -> None:
    video, audio = BitHumanVideoTrack(runtime), BitHumanAudioTrack()
    said = speech[: 50 * TICK]
    await runtime.push_audio(said.tobytes(), 16000)
    pictures, packets = await watch(video, audio, 60)
    assert {(p.width, p.height, p.format.name) for p in pictures} == {(128, 128, "bgr24")}
    at = np.array([float(p.pts * p.time_base) for p in pictures if p.pts is not None and p.time_base is not None])
    heard_at = np.array([float(p.pts * p.time_base) for p in packets if p.pts is not None and p.time_base is not None])
    assert np.all(np.diff(at) > 0)
    assert np.allclose(at * 25, np.rint(at * 25))
    assert np.allclose(np.diff(heard_at) * 50, np.rint(np.diff(heard_at) * 50))
    assert {(p.samples, p.sample_rate, p.layout.name) for p in packets} == {(PACKET, 48000, "mono")}
    voice = np.zeros(int(heard_at[-1] * 48000) + PACKET + 1)
    for begin, packet in zip(heard_at, packets, strict=True):
        voice[round(begin * 48000) :][:PACKET] = packet.to_ndarray()[0]
    expected = resample(said / 32768.0, 16000, 48000) * 32768
    matches = [float(np.dot(voice[lag : lag + expected.size], expected[: voice.size - lag])) for lag in range(0, 9600, 48)]
    lag = int(np.argmax(matches)) * 48
    assert abs(lag - 2 * 1920 - LAG_SECONDS * VOICE_RATE) <= 96, "the voice comes with its pictures: look-ahead and lag"
    found = voice[lag : lag + expected.size]
    assert np.corrcoef(found[: expected.size], expected[: found.size])[0, 1] > 0.95
    video.stop()


@pytest.mark.parametrize("voice_first", [False, True])
async def test_the_voice_finds_its_face(runtime: AsyncBithuman, speech: NDArray[np.int16], voice_first: bool) -> None:
    audio = BitHumanAudioTrack() if voice_first else None
    video = BitHumanVideoTrack(runtime)
    audio = audio or BitHumanAudioTrack()
    assert video.voice is audio
    await runtime.push_audio(speech[: 10 * TICK].tobytes(), 16000)
    _, packets = await watch(video, audio, 14)
    assert any(packet.to_ndarray().any() for packet in packets)
    video.stop()


async def test_two_calls_at_once_do_not_mix(fixture: Fixture) -> None:
    async def call() -> bool:
        async with AsyncBithuman(fixture, clock=SimulatedClock(), output_size=128) as runtime:
            video = BitHumanVideoTrack(runtime)
            await asyncio.sleep(0)
            audio = BitHumanAudioTrack()
            return video.voice is audio

    assert await asyncio.gather(call(), call()) == [True, True]


async def test_a_face_without_a_voice_track_is_seen(runtime: AsyncBithuman) -> None:
    first, second = BitHumanVideoTrack(runtime), BitHumanVideoTrack(runtime)
    audio = BitHumanAudioTrack(first)
    assert (first.voice, second.voice) == (audio, None)
    assert (await second.recv()).width == 128
    second.stop()


async def test_both_tracks_end_together_and_the_runtime_is_free_again(runtime: AsyncBithuman) -> None:
    video, audio = BitHumanVideoTrack(runtime), BitHumanAudioTrack()
    await watch(video, audio, 3)
    waiting = asyncio.create_task(endless(audio))
    await asyncio.sleep(0)
    video.stop()
    for ended in (waiting, endless(video), endless(audio)):
        with pytest.raises(MediaStreamError):
            await ended
    async for frame in runtime.run():
        assert frame.has_image
        break


async def test_an_ended_runtime_ends_the_tracks(runtime: AsyncBithuman) -> None:
    video, audio = BitHumanVideoTrack(runtime), BitHumanAudioTrack()
    await watch(video, audio, 3)
    await runtime.shutdown()
    for track in (video, audio):
        with pytest.raises(MediaStreamError):
            await endless(track)
    with pytest.raises(RuntimeNotReadyError):
        await runtime.flush()


async def endless(track: MediaStreamTrack) -> None:
    while True:
        await track.recv()


async def test_a_peer_sees_and_hears_the_avatar(fixture: Fixture, speech: NDArray[np.int16]) -> None:
    async with AsyncBithuman(fixture, output_size=128) as runtime:
        here, there = RTCPeerConnection(), RTCPeerConnection()
        got: dict[str, MediaStreamTrack] = {}
        there.on("track", lambda track: got.update({track.kind: track}))
        here.addTrack(BitHumanVideoTrack(runtime))
        here.addTrack(BitHumanAudioTrack())
        await here.setLocalDescription(await here.createOffer())
        await there.setRemoteDescription(RTCSessionDescription(here.localDescription.sdp, "offer"))
        await there.setLocalDescription(await there.createAnswer())
        await here.setRemoteDescription(RTCSessionDescription(there.localDescription.sdp, "answer"))
        await runtime.push_audio(np.tile(speech, 3).tobytes(), 16000)

        async def see_and_hear() -> None:
            picture = await got["video"].recv()
            assert isinstance(picture, av.VideoFrame)
            assert (picture.width, picture.height) == (128, 128)
            loud = 0
            while loud < 10:
                packet = await got["audio"].recv()
                assert isinstance(packet, av.AudioFrame)
                loud += int(np.abs(packet.to_ndarray().astype(int)).max() > 500)

        await asyncio.wait_for(see_and_hear(), 60)
        await here.close()
        await there.close()


async def test_a_handler_as_public_examples_write_it(speech: NDArray[np.int16]) -> None:
    handler = Echo().copy()
    await handler.start_up()
    said = speech[: 10 * TICK]
    await handler.receive((16000, said.reshape(1, -1)))
    assert handler.runtime is not None
    await handler.runtime.flush()
    heard: list[NDArray[np.int16]] = []
    while sum(part.size for part in heard) < said.size:
        rate, part = await asyncio.wait_for(handler.emit(), 60)
        assert rate == 16000
        heard.append(part[0])
    assert np.array_equal(np.concatenate(heard), said)
    picture = await asyncio.wait_for(handler.video_emit(), 60)
    assert (picture.shape, picture.dtype) == ((512, 512, 3), np.uint8)
    assert handler.seconds_spoken == pytest.approx(0.4)
    assert handler.utterances == 1
    handler.shutdown()

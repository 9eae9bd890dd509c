"""The Pipecat service, and the unmodified pipecat-bithuman on our runtime: one script, both pass it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bithuman_core import AsyncBithuman, Fixture, VideoFrame
from bithuman_core.errors import TokenExpiredError
from tests.kinds import each_kind
from tests.plugins import need
from tests.simulated import SimulatedClock

need("pipecat", "pipecat_bithuman", since=(3, 11))

from pipecat.frames.frames import (  # noqa: E402
    CancelFrame,
    InterruptionFrame,
    OutputImageRawFrame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
    UserStartedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameProcessor  # noqa: E402
from pipecat_bithuman import BitHumanVideoService as TheirService  # noqa: E402

from bithuman_core.pipecat import BitHumanVideoService  # noqa: E402
from tests.plugins.pipecat_stage import on_stage, sound_of  # noqa: E402

TICK = 640
Make = Callable[[], FrameProcessor]


@pytest.fixture
def runtimes(fixture: Fixture) -> list[AsyncBithuman]:
    """Those that the services have made."""
    return []


@pytest.fixture
def factory(fixture: Fixture, runtimes: list[AsyncBithuman]) -> Callable[[], Any]:
    async def make() -> AsyncBithuman:
        runtimes.append(AsyncBithuman(fixture, clock=SimulatedClock(), output_size=128))
        return runtimes[-1]

    return make


@pytest.fixture(params=[BitHumanVideoService, TheirService], ids=["ours", "theirs"])
def service(request: pytest.FixtureRequest, factory: Callable[[], Any]) -> FrameProcessor:
    return request.param(runtime_factory=factory)


@pytest.fixture
def voice(speech: NDArray[np.int16]) -> NDArray[np.int16]:
    """Speech that begins and ends with sound: the other service leaves silence at the beginning out."""
    loud = np.flatnonzero(np.abs(speech) > 500)
    return speech[loud[0] :]


@each_kind
async def test_a_conversation_with_a_barge_in(
    service: FrameProcessor, voice: NDArray[np.int16], runtimes: list[AsyncBithuman]
) -> None:
    first, second, third = voice[: 25 * TICK + 99], voice[25 * TICK : 75 * TICK], voice[75 * TICK : 100 * TICK]
    async with on_stage(service) as stage:
        one = await stage.say(first)
        await stage.stopped(1)
        assert np.array_equal(stage.down.sound, first), "the voice comes out to the sample"
        stop = next(i for i, f in enumerate(stage.down.frames) if isinstance(f, TTSStoppedFrame))
        last = max(i for i, f in enumerate(stage.down.frames) if isinstance(f, TTSAudioRawFrame))
        assert last < stop, "the end is told after the last sound"

        two = await stage.say(second)
        await stage.heard(26 + 10)
        await stage.worker.queue_frame(InterruptionFrame())
        await stage.down.wait(lambda frames: any(isinstance(f, InterruptionFrame) for f in frames))
        cut = next(i for i, f in enumerate(stage.down.frames) if isinstance(f, InterruptionFrame))
        three = await stage.say(third)
        await stage.down.wait(lambda frames: sum(isinstance(f, TTSStoppedFrame) for f in frames[cut:]) >= 1)

    frames = stage.down.frames
    before, after = sound_of(frames[:cut])[first.size :], sound_of(frames[cut:])
    assert np.array_equal(before, second[: before.size])
    assert before.size < second.size
    assert np.array_equal(after, third), "nothing of the interrupted reply is heard after it"
    contexts = [str(f.context_id) for f in frames if isinstance(f, TTSAudioRawFrame)]
    assert contexts == sorted(contexts)
    assert set(contexts) == {one, two, three}
    assert [f.context_id for f in frames if isinstance(f, TTSStoppedFrame)] == [one, three]
    assert stage.errors() == []
    sizes = {(picture.size, picture.format, len(picture.image)) for picture in stage.pictures()}
    assert sizes == {((128, 128), "RGB", 128 * 128 * 3)}
    assert runtimes[0]._consumer is None, "the avatar is freed with the pipeline"


async def test_the_end_waits_for_the_last_word(service: FrameProcessor, voice: NDArray[np.int16]) -> None:
    async with on_stage(service) as stage:
        await stage.say(voice[: 20 * TICK], stop=False)
    assert np.array_equal(stage.down.sound, voice[: 20 * TICK])


async def test_each_sound_follows_the_picture_that_shows_it(service: FrameProcessor, voice: NDArray[np.int16]) -> None:
    async with on_stage(service) as stage:
        await stage.say(voice[: 20 * TICK])
        await stage.stopped(1)
    kinds = [type(f) for f in stage.down.frames if isinstance(f, TTSAudioRawFrame | OutputImageRawFrame)]
    spoken = [i for i, kind in enumerate(kinds) if kind is TTSAudioRawFrame]
    assert len(spoken) == 20
    assert all(kinds[i - 1] is OutputImageRawFrame for i in spoken)
    assert np.array_equal(np.diff(spoken), np.full(19, 2))


class Marked:
    """A runtime whose pictures and sounds carry the number of their frame."""

    def __init__(self, runtime: AsyncBithuman) -> None:
        self._runtime = runtime

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    async def run(self) -> AsyncIterator[VideoFrame]:
        async for frame in self._runtime.run():
            frame.bgr_image = np.full((2, 2, 3), frame.frame_index % 256, np.uint8)
            if frame.audio_chunk is not None:
                frame.audio_chunk.data[:] = frame.frame_index % 256
            yield frame


@pytest.mark.parametrize(("synced", "ahead"), [(True, 1), (False, 0)])
async def test_pictures_go_one_tick_ahead_where_the_transport_draws_them_late(
    factory: Callable[[], Any], voice: NDArray[np.int16], synced: bool, ahead: int
) -> None:
    async def make() -> Any:
        return Marked(await factory())

    async with on_stage(BitHumanVideoService(runtime_factory=make, sync_video_to_audio=synced)) as stage:
        await stage.say(voice[: 20 * TICK])
        await stage.stopped(1)
    media = [f for f in stage.down.frames if isinstance(f, TTSAudioRawFrame | OutputImageRawFrame)]
    spoken = [i for i, f in enumerate(media) if isinstance(f, TTSAudioRawFrame)]
    marks = [f.audio[0] if isinstance(f, TTSAudioRawFrame) else f.image[0] for f in media]
    assert [marks[i - 1] - marks[i] for i in spoken] == [ahead] * 20
    assert all(picture.sync_with_audio is synced for picture in stage.pictures())


async def test_stereo_at_another_rate_is_taken(factory: Callable[[], Any], voice: NDArray[np.int16]) -> None:
    stereo = np.repeat(voice[:8000], 2)
    async with on_stage(BitHumanVideoService(runtime_factory=factory)) as stage:
        await stage.worker.queue_frame(TTSAudioRawFrame(stereo.tobytes(), 8000, 2, context_id="a"))
        await stage.worker.queue_frame(TTSStoppedFrame(context_id="a"))
        await stage.stopped(1)
    assert abs(stage.down.sound.size - 16000) <= 1


async def test_replies_without_sound_end_too(factory: Callable[[], Any], voice: NDArray[np.int16]) -> None:
    async with on_stage(BitHumanVideoService(runtime_factory=factory)) as stage:
        empty = await stage.say(voice[:1], 48000)
        spoken = await stage.say(voice[: 3 * TICK], 16000)
        await stage.stopped(2)
        await stage.say(voice[:0])
        await stage.stopped(3)
    order = [f.context_id for f in stage.down.frames if isinstance(f, TTSStoppedFrame)]
    assert order[:2] == [empty, spoken]
    assert stage.down.sound.size >= 3 * TICK


async def test_the_avatar_listens_while_the_user_speaks(factory: Callable[[], Any], runtimes: list[AsyncBithuman]) -> None:
    async with on_stage(BitHumanVideoService(runtime_factory=factory)) as stage:
        heard: list[bool] = []
        runtimes[0].set_listening = heard.append  # type: ignore[method-assign]
        await stage.worker.queue_frame(UserStartedSpeakingFrame())
        await stage.down.wait(lambda frames: any(isinstance(f, UserStartedSpeakingFrame) for f in frames))
        assert heard == [True]


async def test_sound_that_cannot_be_used_is_reported_and_the_rest_is_spoken(
    factory: Callable[[], Any], voice: NDArray[np.int16]
) -> None:
    async with on_stage(BitHumanVideoService(runtime_factory=factory)) as stage:
        await stage.worker.queue_frame(TTSAudioRawFrame(b"\0", 16000, 1))
        await stage.say(voice[: 2 * TICK])
        await stage.stopped(1)
    assert ["cannot be used" in message for message in stage.errors()] == [True]
    assert np.array_equal(stage.down.sound, voice[: 2 * TICK])


@pytest.mark.parametrize(("channels", "size"), [(1, 1023), (1, 1), (2, 1023)])
async def test_a_stream_cut_in_the_middle_of_samples_is_heard_whole(
    factory: Callable[[], Any], voice: NDArray[np.int16], channels: int, size: int
) -> None:
    said = np.repeat(voice[: min(3 * TICK, 10 * size)], channels).tobytes()
    async with on_stage(BitHumanVideoService(runtime_factory=factory)) as stage:
        for start in range(0, len(said), size):
            chunk = TTSAudioRawFrame(said[start : start + size], 16000, channels, context_id="a")
            await stage.worker.queue_frame(chunk)
        await stage.worker.queue_frame(TTSStoppedFrame(context_id="a"))
        await stage.stopped(1)
    assert stage.errors() == []
    assert np.array_equal(stage.down.sound, voice[: min(3 * TICK, 10 * size)])


@pytest.mark.parametrize("passthrough", [True, False])
async def test_without_an_avatar_the_bot_goes_on_speaking(passthrough: bool, voice: NDArray[np.int16]) -> None:
    service = BitHumanVideoService(model_path="none.imx", audio_passthrough_on_error=passthrough)
    async with on_stage(service) as stage:
        await stage.say(voice[: 2 * TICK])
        await stage.stopped(1)
    assert np.array_equal(stage.down.sound, voice[: 2 * TICK if passthrough else 0])
    assert ["none.imx" in message for message in stage.errors()] == [True]
    assert not stage.pictures()


async def test_an_avatar_that_stops_on_the_way_does_not_stop_the_bot(
    factory: Callable[[], Any], runtimes: list[AsyncBithuman], voice: NDArray[np.int16]
) -> None:
    async with on_stage(BitHumanVideoService(runtime_factory=factory)) as stage:
        await stage.say(voice[: 50 * TICK])
        await stage.heard(5)

        def refuse(*_: object) -> None:
            raise TokenExpiredError("The runtime token has expired: get a new one.")

        runtimes[0]._session.next_frame = refuse  # type: ignore[method-assign, assignment]
        await stage.stopped(1)
        await stage.say(voice[: 2 * TICK])
        await stage.stopped(2)
    assert any("expired" in message for message in stage.errors())
    assert np.array_equal(stage.down.sound[-2 * TICK :], voice[: 2 * TICK])


async def test_cancelling_frees_the_avatar(
    service: FrameProcessor, runtimes: list[AsyncBithuman], voice: NDArray[np.int16]
) -> None:
    async with on_stage(service) as stage:
        await stage.say(voice)
        await stage.heard(3)
        await stage.worker.queue_frame(CancelFrame())
        await asyncio.sleep(0)
    assert runtimes[0]._consumer is None

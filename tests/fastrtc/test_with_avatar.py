"""A face for FastRTC's handlers: real streams, real handlers, a real aiortc peer. Only the pause detector's net is left out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiortc import codecs, jitterbuffer, rtcrtpreceiver
from aiortc.codecs import opus, vpx
from fastrtc import (
    AdditionalOutputs,
    AlgoOptions,
    AsyncAudioVideoStreamHandler,
    AsyncStreamHandler,
    CloseStream,
    ReplyOnPause,
    Stream,
    StreamHandler,
    tracks,
)
from numpy.typing import NDArray

from bithuman_core import Fixture
from bithuman_core.errors import ModelNotFoundError
from bithuman_core.fastrtc import avatar_stream, with_avatar
from bithuman_core.fastrtc.reply.pump import ReplyPump
from bithuman_core.fastrtc.reply.speech_queue import SpeechQueue
from bithuman_core.fastrtc.stream import ARRAY_TO_FRAME, PLAYER_WORKER
from bithuman_core.settings import models_dir
from examples import fastrtc_reply
from tests.fastrtc.peer import Loudness, chunks, connected, tone

QUICK = AlgoOptions(audio_chunk_duration=0.2, started_talking_threshold=0.05, speech_threshold=0.05)
WORDS = tone(200, 0.5, 8000)  # what the user says
Sound = tuple[int, NDArray[Any]]


def reply(fn: Callable[..., Any], **options: Any) -> ReplyOnPause:
    return ReplyOnPause(fn, model=Loudness(), algo_options=QUICK, **options)


def stream_of(handler: StreamHandler | AsyncStreamHandler, fixture: Fixture, **options: Any) -> Stream:
    return Stream(
        with_avatar(handler, fixture), modality="audio-video", mode="send-receive",
        server_rtc_configuration={"iceServers": []}, verbose=False, **options,
    )  # fmt: skip


class Radio(AsyncStreamHandler):
    """Plays one tone for ever, at the pace of its playing, and counts what it hears."""

    def __init__(self, pitch: float, **options: Any) -> None:
        super().__init__(**options)
        self.pitch, self.heard, self.events = pitch, list[Sound](), list[str]()

    def copy(self) -> Radio:
        return Radio(self.pitch, expected_layout=self.expected_layout, input_sample_rate=self.input_sample_rate)

    async def start_up(self) -> None:
        self.events.append("up")

    async def receive(self, frame: Sound) -> None:
        self.heard.append(frame)

    async def emit(self) -> Sound:
        await asyncio.sleep(0.1)
        return 24_000, tone(self.pitch, 0.1).reshape(1, -1)

    async def shutdown(self) -> None:  # type: ignore[override]
        self.events.append("down")


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """aiortc and FastRTC as they are installed, whatever the tests before have done to them."""
    monkeypatch.setattr(codecs, "Vp8Encoder", vpx.Vp8Encoder)
    monkeypatch.setattr(codecs, "OpusEncoder", opus.OpusEncoder)
    monkeypatch.setattr(codecs, "OpusDecoder", opus.OpusDecoder)
    monkeypatch.setattr(rtcrtpreceiver, "JitterBuffer", jitterbuffer.JitterBuffer)
    monkeypatch.setattr(tracks, "player_worker_decode", PLAYER_WORKER)
    monkeypatch.setattr(tracks.VideoStreamHandler_, "array_to_frame", ARRAY_TO_FRAME)


# -- what an answer is heard and seen like ---------------------------------------------------------------------------------
@pytest.mark.parametrize("form", ["int16", "float32 of 44.1 kHz", "stereo", "asyncio", "beside outputs"])
async def test_an_answer_is_heard_whole_and_seen(fixture: Fixture, form: str) -> None:
    async def asynchronously(_: Sound) -> AsyncGenerator[Any, None]:
        for part in chunks(tone(700, 0.6), 777):
            yield 24_000, part

    def answer(_: Sound) -> Generator[Any, None, None]:
        if form == "float32 of 44.1 kHz":
            for part in chunks(tone(700, 0.6, 44_100), 4410):
                yield 44_100, (part / np.float32(32768))
        elif form == "stereo":
            yield 24_000, np.stack([tone(700, 0.6)] * 2), "stereo"
        elif form == "beside outputs":
            yield (24_000, tone(700, 0.6).reshape(1, -1)), AdditionalOutputs("what was meant")
        else:
            yield 24_000, tone(700, 0.6)

    stream = stream_of(reply(asynchronously if form == "asyncio" else answer), fixture)
    async with connected(stream) as peer:
        quiet = len(peer.sound)
        peer.microphone.say(WORDS)
        await peer.hears(700)
        await peer.until(lambda: not any(peer.pitches()[-10:]))
        heard = peer.pitches()[quiet:]
        assert 29 <= heard.count(700) <= 32  # packets of 20 ms
        loud = [index for index, pitch in enumerate(heard) if pitch]
        assert loud[-1] - loud[0] < 33  # in one piece
        assert {picture.shape for picture in peer.pictures} == {(512, 512)}
        if form == "beside outputs":
            assert {"type": "fetch_output", "data": []} in peer.messages
            assert (await stream.fetch_latest_output(peer.name)).args == ("what was meant",)


async def test_speech_moves_the_lips(fixture: Fixture, speech: NDArray[np.int16]) -> None:
    def answer(_: Sound) -> Generator[Any, None, None]:
        yield 16_000, speech[16_000:64_000]

    async with connected(stream_of(reply(answer, output_sample_rate=16_000), fixture)) as peer:
        await peer.until(lambda: len(peer.pictures) > 25)
        peer.microphone.say(WORDS)
        await peer.until(lambda: any(peer.pitches()[-5:]))
        begin = len(peer.pictures)
        await peer.until(lambda: len(peer.pictures) > begin + 50)
        mouths = np.stack(peer.pictures)[:, 256:400, 180:330]
        assert np.mean(mouths[begin:].std(0)) > 2 * np.mean(mouths[8:25].std(0))


async def test_the_users_microphone_reaches_the_handler_as_it_wants_it(fixture: Fixture) -> None:
    radio = Radio(500, expected_layout="stereo", input_sample_rate=16_000)
    stream = stream_of(radio, fixture)
    async with connected(stream) as peer:
        face: Any = stream.handlers[peer.name]
        peer.microphone.say(WORDS)
        await peer.until(lambda: any(np.abs(samples.astype(int)).max() > 3000 for _, samples in face.heard))
        assert {(rate, samples.shape, samples.dtype.name) for rate, samples in face.heard} == {(16_000, (1, 1920), "int16")}
        assert face.handler is not radio
        assert face.events == ["up"]
        await peer.hears(500)
    assert face.events == ["up", "down"]
    assert radio.events == []


async def test_inputs_of_the_page_reach_the_answer(fixture: Fixture) -> None:
    def answer(_: Sound, pitch: float) -> Generator[Any, None, None]:
        yield 24_000, tone(pitch, 0.4)

    stream = stream_of(reply(answer), fixture)
    async with connected(stream) as peer:
        peer.microphone.say(WORDS)
        await peer.until(lambda: {"type": "send_input", "data": []} in peer.messages)
        stream.set_input(peer.name, 850.0)
        await peer.hears(850)
        stream.handlers[peer.name].trigger_response()  # type: ignore[union-attr]


# -- interruptions ---------------------------------------------------------------------------------------------------------
async def test_the_user_breaks_into_an_answer(fixture: Fixture) -> None:
    turns = iter([(400, 20.0), (1000, 0.6)])

    def answer(_: Sound) -> Generator[Any, None, None]:
        for part in chunks(tone(*next(turns)), 2400):
            yield 24_000, part

    async with connected(stream_of(reply(answer), fixture)) as peer:
        peer.microphone.say(WORDS)
        await peer.hears(400)
        peer.microphone.say(WORDS)
        await peer.hears(1000)
        second = peer.pitches().index(1000)
        await peer.until(lambda: not any(peer.pitches()[-25:]))
        assert 400 not in peer.pitches()[second:]


async def test_an_app_clears_the_queue(fixture: Fixture) -> None:
    stream = stream_of(Radio(400), fixture)
    async with connected(stream) as peer:
        face: Any = stream.handlers[peer.name]
        await peer.hears(400)
        face.handler.pitch = 900
        await asyncio.to_thread(face.handler.clear_queue)
        await peer.hears(900)
        assert 400 not in peer.pitches()[peer.pitches().index(900) :]


async def test_what_an_interrupted_answer_was_still_making_is_not_said() -> None:
    """The generator is in the middle of a part when the user breaks in: FastRTC cannot close it, and gets that part later."""
    gate, asked, turns = threading.Event(), threading.Event(), iter([400, 1000])

    def answer(_: Sound) -> Generator[Any, None, None]:
        pitch = next(turns)
        if pitch == 400:
            asked.set()
            gate.wait(30)
        yield 24_000, tone(pitch, 0.2)

    handler, speech = reply(answer), SpeechQueue(24_000)
    handler._loop = asyncio.get_running_loop()
    handler._clear_queue = speech.clear
    pump = ReplyPump(handler, speech)
    pumping = asyncio.create_task(pump.run())
    handler.trigger_response()
    await asyncio.to_thread(asked.wait, 30)
    for part in chunks(np.concatenate([tone(200, 0.6, 48_000), np.zeros(24_000, np.int16)]), 9600):
        await asyncio.to_thread(handler.receive, (48_000, part))
    assert speech.clears
    gate.set()
    while not speech.seconds:
        await asyncio.sleep(0)
    while handler.generator is not None:
        await asyncio.sleep(0)
    heard = np.concatenate([speech.take().samples for _ in range(8)])
    assert np.array_equal(heard[: tone(1000, 0.2).size], tone(1000, 0.2))
    assert not heard[tone(1000, 0.2).size :].any()
    pumping.cancel()
    pump.close()


# -- connections, errors, ends ---------------------------------------------------------------------------------------------
async def test_two_connections_share_the_avatar_and_nothing_else(fixture: Fixture) -> None:
    def answer(heard: Sound) -> Generator[Any, None, None]:
        yield 24_000, tone(600, 0.6)

    stream = stream_of(reply(answer), fixture, concurrency_limit=2)
    async with AsyncExitStack() as peers:
        first, second = [await peers.enter_async_context(connected(stream, name)) for name in ("first", "second")]
        first.microphone.say(WORDS)
        await first.hears(600)
        pictures = len(second.pictures)
        await first.until(lambda: not any(first.pitches()[-10:]))
        assert not any(second.pitches())
        assert len(second.pictures) > pictures
        second.microphone.say(WORDS)
        await second.hears(600)


async def test_an_answer_that_fails_is_told_and_the_next_one_is_heard(fixture: Fixture, caplog: pytest.LogCaptureFixture) -> None:
    turns = iter([False, True])

    def answer(_: Sound) -> Generator[Any, None, None]:
        if not next(turns):
            raise ZeroDivisionError("no answer today")
        yield 24_000, tone(600, 0.4)

    async with connected(stream_of(reply(answer), fixture)) as peer:
        peer.microphone.say(WORDS)
        await peer.until(lambda: {"type": "error", "message": "no answer today"} in peer.messages)
        assert "no answer today" in caplog.text
        seen = len(peer.pictures)
        await peer.until(lambda: len(peer.pictures) > seen + 5)
        peer.microphone.say(WORDS)
        await peer.hears(600)


async def test_a_handler_that_always_fails_has_a_living_face_and_one_line_in_the_log(
    fixture: Fixture, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(StreamHandler):
        def copy(self) -> Broken:
            return Broken()

        def start_up(self) -> None:
            raise ValueError("start")

        def receive(self, frame: Sound) -> None:
            raise ValueError("ears")

        def emit(self) -> Any:
            raise ValueError("mouth")

        def shutdown(self) -> None:
            raise ValueError("end")

    async with connected(stream_of(Broken(), fixture)) as peer:
        await peer.until(lambda: len(peer.pictures) > 40 and len(peer.sound) > 40)
        assert np.ptp(np.stack(peer.pictures[-20:]), axis=0).max() > 10  # it breathes
        assert not any(peer.pitches())
    told = [record.getMessage() for record in caplog.records if record.name == "bithuman_core.fastrtc.reply.app_errors"]
    assert sorted(told) == [
        f"{name}() of the handler failed; the avatar goes on." for name in ("emit", "receive", "shutdown", "start_up")
    ]


async def test_a_stream_is_closed_after_the_last_word(fixture: Fixture) -> None:
    def answer(_: Sound) -> Generator[Any, None, None]:
        yield 24_000, tone(600, 0.5)
        yield CloseStream("bye")

    async with connected(stream_of(reply(answer), fixture)) as peer:
        peer.microphone.say(WORDS)
        await peer.until(lambda: {"type": "end_stream", "data": "bye"} in peer.messages)
        assert peer.pitches().count(600) > 15


async def test_beside_the_stream_of_the_page(fixture: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """It changes parts of aiortc and FastRTC for the whole process."""

    async def no_servers() -> dict[str, Any]:
        return {"iceServers": []}

    def answer(_: Sound) -> Generator[Any, None, None]:
        yield (24_000, tone(600, 0.4).reshape(1, -1)), AdditionalOutputs("beside")

    avatar_stream(lambda: None, visitors=1, rtc_configuration=no_servers)  # type: ignore[arg-type, return-value]
    async with connected(stream_of(reply(answer), fixture)) as peer:
        peer.microphone.say(WORDS)
        await peer.hears(600)
        await peer.until(lambda: {"type": "fetch_output", "data": []} in peer.messages)


# -- the call itself -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("avatar", [models_dir() / "theo.imx", str(models_dir() / "theo.imx"), None])
async def test_an_avatar_by_its_path_or_the_shipped_one(avatar: str | Path | None) -> None:
    face = with_avatar(Radio(500), avatar)
    picture = await face.video_emit()  # FastRTC asks for it before it starts the handler
    assert (picture.shape, picture.dtype) == ((512, 512, 3), np.uint8)
    face.shutdown()
    face.shutdown()


def test_a_wrong_path_is_told_at_once() -> None:
    with pytest.raises(ModelNotFoundError, match=r"There is no avatar file 'nobody\.imx': check the path\."):
        with_avatar(Radio(500), "nobody.imx")


class Film(AsyncAudioVideoStreamHandler):
    async def receive(self, frame: Any) -> None: ...
    async def emit(self) -> Any: ...
    async def video_receive(self, frame: Any) -> None: ...
    async def video_emit(self) -> Any: ...
    def copy(self) -> Film:
        return Film()


@pytest.mark.parametrize(
    ("what", "sentence"),
    [(lambda sound: sound, "not an object of type function"), (Radio, "not the class Radio"), (Film(), "pictures of its own")],
)
def test_what_is_no_audio_handler_gets_one_sentence(what: Any, sentence: str, fixture: Fixture) -> None:
    with pytest.raises(TypeError, match=sentence) as told:
        with_avatar(what, fixture)
    assert str(told.value).count(".") == 1 or "with_avatar()" in str(told.value)


def test_the_handler_is_asked_for_what_the_face_does_not_know(fixture: Fixture) -> None:
    handler = reply(lambda sound: iter(()), input_sample_rate=16_000, output_sample_rate=48_000)
    face = with_avatar(handler, fixture)
    face.phone_mode = True
    face.needs_args = True
    assert (handler.phone_mode, handler.needs_args) == (True, True)
    assert face.algo_options is QUICK
    assert (face.fps, face.input_sample_rate, face.output_sample_rate) == (25, 16_000, 48_000)
    assert face.copy().fn is handler.fn
    with pytest.raises(AttributeError):
        _ = face.nothing_of_that_name
    assert not hasattr(with_avatar(Radio(500), fixture), "needs_args")


# -- the example -----------------------------------------------------------------------------------------------------------
async def test_the_example_says_back_what_it_hears() -> None:
    stream = fastrtc_reply.app(str(models_dir() / "mara.imx"), model=Loudness(), algo_options=QUICK)
    stream.server_rtc_configuration = stream.convert_to_aiortc_format({"iceServers": []})
    async with connected(stream) as peer:
        peer.microphone.say(tone(350, 0.6, 8000))
        await peer.hears(350)

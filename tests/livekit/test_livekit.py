"""LiveKit: real livekit-agents classes, real rtc sources and their output; only the room is a stand-in.

The same script runs with our AvatarSession and with the unmodified livekit-plugins-bithuman on our runtime.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bithuman_core import AsyncBithuman, Fixture, compat
from bithuman_core.settings import models_dir
from bithuman_core.timing import FPS
from tests.kinds import each_kind
from tests.plugins import need

need("livekit.agents", "livekit.plugins.bithuman", "loguru")

import loguru  # noqa: E402
from livekit import rtc  # noqa: E402
from livekit.agents import AgentSession  # noqa: E402
from livekit.agents.voice.avatar import AudioSegmentEnd, AvatarOptions, QueueAudioOutput, VideoGenerator  # noqa: E402

import bithuman_core.livekit  # noqa: E402
from bithuman_core.livekit import (  # noqa: E402
    AvatarPublisher,
    AvatarSession,
    BitHumanAudioTrack,
    BitHumanException,
    BitHumanVideoTrack,
    VoiceLedSynchronizer,
)
from bithuman_core.livekit.generator import video_frame  # noqa: E402
from examples.offline_room import OfflineRoom  # noqa: E402

RATE, TICK, BLOCK = 16_000, 640, 160


@pytest.fixture
async def room() -> AsyncIterator[OfflineRoom]:
    made = OfflineRoom()
    yield made
    await made.close()


@pytest.fixture
def bithuman() -> Iterator[Any]:
    """The unmodified plugin, on our runtime."""
    compat.install()
    from livekit.plugins import bithuman as plugin

    yield plugin
    compat.uninstall()


@pytest.fixture
async def runtime(fixture: Fixture) -> AsyncIterator[AsyncBithuman]:
    async with AsyncBithuman(fixture, output_size=128) as made:
        yield made


@pytest.fixture
def voice(speech: NDArray[np.int16]) -> NDArray[np.int16]:
    """Whole blocks of 10 ms without silence among them, so that gaps of a busy machine can be told from the voice."""
    blocks = speech[: speech.size // BLOCK * BLOCK].reshape(-1, BLOCK)
    return np.where(blocks.any(axis=1, keepdims=True), blocks, np.int16(1)).reshape(-1)


class Listener:
    """What an AgentSession learns of its audio output."""

    def __init__(self, output: QueueAudioOutput) -> None:
        self.output = output
        self.started = 0
        self._begun = asyncio.Condition()
        output.on("playback_started", self._on_started)

    def _on_started(self, _: object) -> None:
        self.started += 1

    async def say(self, samples: NDArray[np.int16]) -> None:
        """A whole utterance, as fast as a TTS gives it."""
        for start in range(0, samples.size, 800):
            chunk = samples[start : start + 800]
            await self.output.capture_frame(rtc.AudioFrame(chunk.tobytes(), RATE, 1, chunk.size))
        self.output.flush()


async def until(done: Callable[[], bool]) -> None:
    async def look() -> None:
        while not done():
            await asyncio.sleep(0.01)

    await asyncio.wait_for(look(), 60)


@pytest.fixture(params=["ours", "theirs"])
def avatar(request: pytest.FixtureRequest, runtime: AsyncBithuman) -> Any:
    """An AvatarSession of either kind, on the runtime that is given to it."""
    if request.param == "ours":
        return AvatarSession(runtime=runtime)
    plugin = request.getfixturevalue("bithuman")
    return plugin.AvatarSession(model_path="not-needed.imx", api_secret="local", runtime=runtime)


async def close(avatar: Any) -> None:
    """What a job does at its end; the other plugin leaves its runner behind."""
    runner = getattr(avatar, "_avatar_runner", None)
    await avatar.aclose()
    if runner is not None:
        await runner.aclose()


@each_kind
async def test_the_agents_voice_comes_out_of_the_room_with_a_face(
    avatar: Any, room: OfflineRoom, voice: NDArray[np.int16], runtime: AsyncBithuman
) -> None:
    session = AgentSession()
    before = runtime.transaction_id
    await avatar.start(session, room.as_room)
    assert runtime.transaction_id != before, "a runtime that is used again begins a new transaction"
    assert isinstance(session.output.audio, QueueAudioOutput)
    listener = Listener(session.output.audio)

    first = voice[: 25 * TICK]
    await listener.say(first)
    finished = await listener.output.wait_for_playout()
    assert (finished.interrupted, finished.playback_position) == (False, pytest.approx(1.0))
    await until(lambda: room.heard.size >= first.size)
    assert np.array_equal(room.heard, first), "to the sample"
    assert listener.started == 1

    long = voice[25 * TICK : 150 * TICK]
    await listener.say(long)
    await until(lambda: room.heard.size >= first.size + 10 * TICK)
    listener.output.clear_buffer()
    finished = await listener.output.wait_for_playout()
    assert finished.interrupted
    assert 0.3 < finished.playback_position < 5.0

    third = voice[100 * TICK : 112 * TICK] // 2 | 1
    await listener.say(third)
    finished = await listener.output.wait_for_playout()
    assert not finished.interrupted
    await until(lambda: np.array_equal(room.heard[-third.size :], third))
    of_the_second = room.heard[first.size : -third.size]
    assert np.array_equal(of_the_second, long[: of_the_second.size])
    assert of_the_second.size < long.size
    if isinstance(avatar, AvatarSession):
        assert listener.started == 3
        assert finished.playback_position == pytest.approx(12 / 25)
    assert len(room.pictures) > 20
    assert {picture.shape for _, picture in room.pictures} == {(128, 128, 3)}
    await close(avatar)


async def test_the_other_plugin_makes_our_runtime_by_its_old_name(bithuman: Any, room: OfflineRoom) -> None:
    avatar = bithuman.AvatarSession(model_path=str(models_dir() / "mara.imx"), api_secret="local")
    await avatar.start(AgentSession(), room.as_room)
    assert type(avatar.runtime) is AsyncBithuman
    await until(lambda: len(room.pictures) >= 5)
    await close(avatar)


async def test_colours_stay_what_they_are(room: OfflineRoom) -> None:
    source = rtc.VideoSource(64, 64)
    room.listen(rtc.LocalVideoTrack.create_video_track("red", source))
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 2] = 200  # BGR

    def show() -> bool:
        source.capture_frame(video_frame(red))
        return any(picture.any() for _, picture in room.pictures)  # a source shows black before its first picture

    await until(show)
    shown = next(picture for _, picture in room.pictures if picture.any())
    assert np.abs(shown.astype(int) - [200, 0, 0]).max() < 12
    await source.aclose()


async def test_one_layer_25_frames_2_megabits(room: OfflineRoom, runtime: AsyncBithuman) -> None:
    avatar = AvatarSession(runtime=runtime)
    await avatar.start(AgentSession(), room.as_room)
    await avatar.wait_for_join(timeout=60)
    face, voice = (room.local_participant.track_publications[f"TR_avatar_{kind}"].options for kind in ("video", "audio"))
    assert not face.simulcast
    assert (face.video_encoding.max_framerate, face.video_encoding.max_bitrate) == (25, 2_000_000)
    assert face.stream == voice.stream != "", "or a browser does not keep them together"
    assert face.source == rtc.TrackSource.SOURCE_CAMERA
    assert voice.source == rtc.TrackSource.SOURCE_MICROPHONE
    assert avatar.avatar_identity == "agent"
    await avatar.aclose()


async def test_a_lent_runtime_is_given_back_and_an_own_one_freed(room: OfflineRoom, runtime: AsyncBithuman) -> None:
    for _ in range(2):  # the second session has the same runtime
        avatar = AvatarSession(runtime=runtime)
        await avatar.start(AgentSession(), room.as_room)
        await until(lambda: len(room.pictures) > 2)
        await avatar.aclose()
        await avatar.aclose()
        room.pictures.clear()
    assert runtime.get_first_frame() is not None
    avatar = AvatarSession(model_path=str(models_dir() / "mara.imx"))
    with pytest.raises(BitHumanException, match="start"):
        _ = avatar.runtime
    await avatar.start(AgentSession(), room.as_room)
    with pytest.raises(BitHumanException, match="already"):
        await avatar.start(AgentSession(), room.as_room)
    own = avatar.runtime
    await avatar.aclose()
    with pytest.raises(BaseException, match="shut down"):
        await own.push_audio(b"", RATE)


async def test_the_avatar_listens_while_the_user_speaks(room: OfflineRoom, runtime: AsyncBithuman) -> None:
    session = AgentSession()
    avatar = AvatarSession(runtime=runtime)
    await avatar.start(session, room.as_room)
    heard: list[bool] = []
    runtime.set_listening = heard.append  # type: ignore[method-assign]
    session._update_user_state("speaking")
    session._update_user_state("listening")
    assert heard == [True, False]
    await avatar.aclose()


async def test_an_agent_whose_server_is_gone_is_told_so(
    room: OfflineRoom, runtime: AsyncBithuman, caplog: pytest.LogCaptureFixture
) -> None:
    avatar = AvatarSession(runtime=runtime)
    await avatar.start(AgentSession(), room.as_room)
    room.emit("disconnected", rtc.DisconnectReason.SERVER_SHUTDOWN)
    await until(lambda: "end the agent's job" in caplog.text)
    await avatar.aclose()


async def test_a_false_interruption_pauses_the_voice_and_loses_nothing(
    room: OfflineRoom, runtime: AsyncBithuman, voice: NDArray[np.int16]
) -> None:
    session, avatar = AgentSession(), AvatarSession(runtime=runtime)
    await avatar.start(session, room.as_room)
    output = session.output.audio
    assert isinstance(output, QueueAudioOutput) and output.can_pause, "or LiveKit cuts the sentence at every cough"
    listener = Listener(output)
    said = voice[: 50 * TICK]

    async def pictures(count: int) -> None:
        until_now = len(room.pictures)
        await until(lambda: len(room.pictures) >= until_now + count)

    await listener.say(said)
    await until(lambda: room.heard.size > 10 * TICK)
    output.pause()
    await pictures(15)  # what was on its way has been heard
    held = room.heard.size
    await pictures(15)
    assert room.heard.size == held < said.size
    output.resume()
    finished = await output.wait_for_playout()
    assert (finished.interrupted, finished.playback_position) == (False, pytest.approx(2.0))
    await until(lambda: room.heard.size >= said.size)
    assert np.array_equal(room.heard, said), "to the sample"

    output.pause()
    await avatar.aclose()
    await runtime.push_audio(said, RATE)
    async for frame in runtime.run():
        if frame.audio_chunk is not None:
            break  # a lent runtime comes back as it was


class Parrot(VideoGenerator):
    """Gives the sound back at once, as fast as it is taken."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[rtc.AudioFrame | AudioSegmentEnd] = asyncio.Queue()

    async def push_audio(self, frame: rtc.AudioFrame | AudioSegmentEnd) -> None:
        self.waiting.put_nowait(frame)

    def clear_buffer(self) -> None:
        while not self.waiting.empty():
            self.waiting.get_nowait()

    async def __aiter__(self) -> AsyncIterator[rtc.VideoFrame | rtc.AudioFrame | AudioSegmentEnd]:
        while True:
            yield await self.waiting.get()


async def test_a_barge_in_while_the_queue_is_full_starts_the_next_utterance_at_zero(
    room: OfflineRoom, voice: NDArray[np.int16]
) -> None:
    output = QueueAudioOutput(sample_rate=RATE, wait_playback_start=True)
    listener = Listener(output)
    publisher = AvatarPublisher(room.as_room, audio_recv=output, video_gen=Parrot(), options=AvatarOptions(16, 16, FPS, RATE, 1))
    await publisher.start()
    for turn in range(1, 4):
        await listener.say(voice[: 50 * TICK])
        await until(lambda turn=turn: listener.started == turn)
        await asyncio.sleep(0.05)  # the queue of the source, 100 ms, is full: a push waits for room
        output.clear_buffer()
        finished = await output.wait_for_playout()
        assert finished.interrupted
    await listener.say(voice[: 5 * TICK])
    finished = await output.wait_for_playout()
    assert listener.started == 4
    assert finished.playback_position == pytest.approx(0.2)
    await publisher.aclose()


@pytest.mark.parametrize("hosted", [{"avatar_id": "A12345678"}, {"avatar_image": "photo.jpg"}])
def test_hosted_avatars_are_refused_with_a_way_out(hosted: dict[str, Any]) -> None:
    with pytest.raises(BitHumanException, match="bithuman-core build"):
        AvatarSession(**hosted)


@pytest.mark.parametrize("voice_first", [False, True])
async def test_tracks_to_publish_oneself_find_each_other(
    room: OfflineRoom, runtime: AsyncBithuman, voice: NDArray[np.int16], voice_first: bool
) -> None:
    sound = BitHumanAudioTrack() if voice_first else None
    face = BitHumanVideoTrack(runtime)
    sound = sound or BitHumanAudioTrack()
    await room.local_participant.publish_track(face, face.options)
    await room.local_participant.publish_track(sound, rtc.TrackPublishOptions())
    await runtime.push_audio(voice[: 10 * TICK].tobytes(), RATE)
    await until(lambda: room.heard.size >= 10 * TICK)
    assert np.array_equal(room.heard, voice[: 10 * TICK])
    assert len(room.pictures) > 3
    await face.aclose()


def test_importing_leaves_the_log_handlers_alone() -> None:
    def handlers() -> list[object]:
        return [*loguru.logger._core.handlers, *logging.root.handlers]  # type: ignore[attr-defined]

    before = handlers()
    for file in Path(bithuman_core.livekit.__file__).parent.glob("*.py"):
        exec(compile(file.read_text("utf-8"), file, "exec"), {"__name__": f"fresh_{file.stem}"})
    assert handlers() == before


# -- the synchronizer, on simulated time -------------------------------------------------------------------------------
class Timeline:
    """Time for several tasks: it goes on when all of them sleep."""

    def __init__(self) -> None:
        self.time = 0.0
        self._sleeping: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleeping, (self.time + seconds, next(self._order), future))
        await future

    async def play(self, main: asyncio.Task[None]) -> None:
        while not main.done():
            for _ in range(20):
                await asyncio.sleep(0)
            if self._sleeping:
                self.time, _, future = heapq.heappop(self._sleeping)
                if not future.done():
                    future.set_result(None)
        main.result()


class Speaker:
    """An rtc.AudioSource in simulated time: a queue of 100 ms; knows when which sound was heard."""

    def __init__(self, line: Timeline) -> None:
        self._line, self._ends = line, 0.0
        self.heard: dict[int, float] = {}

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        begins = max(self._line.now(), self._ends)
        self.heard[int(np.frombuffer(frame.data, np.int16)[0])] = begins
        self._ends = begins + frame.duration
        if (ahead := self._ends - self._line.now() - 0.1) > 0:
            await self._line.sleep(ahead)

    def clear_queue(self) -> None:
        self.heard = {tick: at for tick, at in self.heard.items() if at <= self._line.now()}
        self._ends = self._line.now()


class Screen:
    """An rtc.VideoSource in simulated time."""

    def __init__(self, line: Timeline) -> None:
        self._line = line
        self.shown: list[tuple[int, float]] = []

    def capture_frame(self, frame: rtc.VideoFrame) -> None:
        self.shown.append((int.from_bytes(bytes(frame.data)[:2], "little"), self._line.now()))


def tick_of(number: int) -> tuple[rtc.AudioFrame, rtc.VideoFrame]:
    """The sound and the picture of a tick, marked with its number."""
    sound = np.full(TICK, number, np.int16)
    picture = number.to_bytes(2, "little") * 6
    return rtc.AudioFrame(sound.tobytes(), RATE, 1, TICK), rtc.VideoFrame(2, 2, rtc.VideoBufferType.RGB24, picture)


async def test_the_picture_is_shown_when_its_sound_is_heard_also_after_stalls() -> None:
    line = Timeline()
    speaker, screen = Speaker(line), Screen(line)
    synchronizer = VoiceLedSynchronizer(
        audio_source=speaker, video_source=screen, video_fps=FPS, now=line.now, sleep=line.sleep  # type: ignore[arg-type]
    )  # fmt: skip

    async def speak() -> None:
        late = 0.0
        for number in range(1, 101):
            late += {30: 0.3, 60: 0.09}.get(number, 0.0)  # two stalls; what was missed follows at once
            due = number * 0.04 + (late if number in (30, 60) else 0.0)
            if due > line.now():
                await line.sleep(due - line.now())
            sound, picture = tick_of(number)
            await synchronizer.push(sound)
            await synchronizer.push(picture)
        await line.sleep(1.0)

    await line.play(asyncio.create_task(speak()))
    await synchronizer.aclose()
    assert [number for number, _ in screen.shown] == list(range(1, 101)), "in order, none lost"
    offsets = np.array([at - speaker.heard[number] for number, at in screen.shown])
    assert np.abs(offsets).max() < 1e-6
    waits = np.array([speaker.heard[number] - number * 0.04 for number in range(1, 101)])
    assert waits[35:59].min() > 0.2, "the test has a queue to deal with"


async def test_a_barge_in_empties_both_queues_and_the_next_word_is_in_sync() -> None:
    line = Timeline()
    speaker, screen = Speaker(line), Screen(line)
    synchronizer = VoiceLedSynchronizer(
        audio_source=speaker, video_source=screen, video_fps=FPS, now=line.now, sleep=line.sleep  # type: ignore[arg-type]
    )  # fmt: skip

    async def speak() -> None:
        for number in (*range(1, 5), *range(50, 60)):
            if number == 50:
                await synchronizer.clear_queue()
            sound, picture = tick_of(number)
            await synchronizer.push(sound)
            await synchronizer.push(picture)
        await line.sleep(1.0)

    await line.play(asyncio.create_task(speak()))
    await synchronizer.aclose()
    assert not {3, 4} & set(speaker.heard), "what waited was dropped"
    shown = dict(screen.shown)
    assert all(shown[number] == pytest.approx(speaker.heard[number]) for number in range(50, 60))


async def test_idle_pictures_are_shown_at_once() -> None:
    line = Timeline()
    screen = Screen(line)
    synchronizer = VoiceLedSynchronizer(
        audio_source=Speaker(line), video_source=screen, video_fps=FPS, now=line.now, sleep=line.sleep  # type: ignore[arg-type]
    )  # fmt: skip

    async def idle() -> None:
        for number in range(1, 11):
            await synchronizer.push(tick_of(number)[1])
            await line.sleep(0.04)

    await line.play(asyncio.create_task(idle()))
    await synchronizer.aclose()
    assert [at for _, at in screen.shown] == pytest.approx([0.04 * i for i in range(10)])

"""The names and signatures that users of the commercial SDK know, from its public documentation and plugins."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import bithuman_core
from bithuman_core import (
    AsyncBithuman,
    AudioChunk,
    Bithuman,
    Emotion,
    EmotionPrediction,
    Fixture,
    Runtime,
    RuntimeNotReadyError,
    VideoControl,
    VideoFrame,
    errors,
)
from bithuman_core.settings import Settings, models_dir, settings
from bithuman_core.utils import FPSController
from tests.simulated import SimulatedClock

MARA = models_dir() / "mara.imx"
PHOTO = Path(__file__).parent / "data" / "astronaut.jpg"
CREATE = (
    "model_path=None token=None api_secret=None api_url=None tags='bithuman' insecure=False input_buffer_size=0 "
    "output_buffer_size=6 num_threads=0 verbose=None batch_workers=1 quality='medium' identity=None output_size=None "
    "agent_code=None billing_type=None fingerprint=None"
)
# method: (parameters that must stand first, how it is called)
ASYNC = {
    "push_audio": ("data sample_rate last_chunk=True", "async"),
    "push": ("control", "async"),
    "flush": ("", "async"),
    "start": ("", "async"),
    "stop": ("", "async"),
    "shutdown": ("", "async"),
    "close": ("", "async"),
    "set_model": ("model_path", "async"),
    "load_data_async": ("", "async"),
    "run": ("out_buffer_empty=None idle_timeout=None loop=None", "generator"),
    "process_audio_chunk": ("chunk", "generator"),
    "interrupt": ("", "sync"),
    "cleanup": ("", "sync"),
    "get_first_frame": ("", "sync"),
    "get_frame_size": ("", "sync"),
    "get_expiration_time": ("", "sync"),
    "set_muted": ("muted", "sync"),
    "set_idle_timeout": ("seconds", "sync"),
    "set_token": ("token", "sync"),
    "is_token_validated": ("", "sync"),
    "load_data": ("", "sync"),
    "process": ("control", "sync"),
    "_regenerate_transaction_id": ("", "sync"),
    "_initialize_token": ("", "async"),
}
SYNC = {name: (parameters.replace(" loop=None", ""), "sync") for name, (parameters, _) in ASYNC.items()
        if name not in ("load_data_async", "process_audio_chunk", "_initialize_token", "start")}  # fmt: skip
PROPERTIES = {"settings", "fps", "frame_width", "frame_height", "sample_rate", "samples_per_tick", "model_hash", "transaction_id"}
TYPES = {
    AudioChunk: "data sample_rate last_chunk=True",
    VideoFrame: "bgr_image=None audio_chunk=None frame_index=0 source_message_id=None end_of_speech=False",
    EmotionPrediction: "emotion score",
    AudioChunk.from_bytes: "audio_bytes sample_rate last_chunk=True",
    AudioChunk.from_numpy: "array sample_rate last_chunk=True",
    AudioChunk.from_file: "path",
    VideoControl.from_audio: "audio sample_rate last_chunk=True",
    FPSController: "target_fps",
    FPSController.wait_next_frame: "sleep=True",
}


def parameters(function: Any) -> str:
    named = [p for p in inspect.signature(function).parameters.values() if p.name not in ("self", "cls")]
    return " ".join(p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in named)


def how(function: Any) -> str:
    if inspect.isasyncgenfunction(function):
        return "generator"
    return "async" if inspect.iscoroutinefunction(function) else "sync"


def test_create_takes_what_it_always_took() -> None:
    for kind in (AsyncBithuman, Bithuman):
        signature = inspect.signature(kind.create)
        assert parameters(kind.create).startswith(CREATE)
        assert all(p.kind is p.KEYWORD_ONLY for p in signature.parameters.values())
    assert inspect.iscoroutinefunction(AsyncBithuman.create)
    assert parameters(Bithuman.load).startswith("model_path api_secret=None")


@pytest.mark.parametrize(("kind", "table"), [(AsyncBithuman, ASYNC), (Bithuman, SYNC)])
def test_methods(kind: type, table: dict[str, tuple[str, str]]) -> None:
    assert {n: (parameters(getattr(kind, n)), how(getattr(kind, n))) for n in table} == table
    assert {n for n in PROPERTIES if isinstance(getattr(kind, n), property)} == PROPERTIES


@pytest.mark.parametrize(("made", "expected"), TYPES.items())
def test_types(made: Any, expected: str) -> None:
    assert parameters(made).startswith(expected)


def test_controls_have_all_fields() -> None:
    control = VideoControl(audio=AudioChunk(b"\0\0", 16000), text="hi", action=["nod"], end_of_speech=True)
    assert (control.is_speaking, control.is_idle, len(control.message_id)) == (True, False, 36)
    fields = ("target_video", "emotion_preds", "force_action", "stop_on_user_speech", "stop_on_agent_speech")
    assert [getattr(control, f) for f in fields] == [None, None, False, None, None]
    assert VideoControl().is_idle


def test_emotions_and_predictions() -> None:
    assert sorted(Emotion) == ["anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise"]  # type: ignore[type-var]
    prediction = EmotionPrediction.from_dict({"emotion": "joy", "score": 0.5})
    assert prediction.to_dict() == {"emotion": "joy", "score": 0.5}


def test_the_error_tree() -> None:
    tree = {
        errors.TokenError: (errors.TokenExpiredError, errors.TokenValidationError, errors.TokenRequestError,
                            errors.AccountStatusError),
        errors.ModelError: (errors.ModelNotFoundError, errors.ModelLoadError, errors.ModelSecurityError),
        errors.AvatarError: (errors.InvalidAvatar, errors.NotSupported, errors.NotAuthorised, errors.Failed),
        errors.BithumanError: (errors.TokenError, errors.ModelError, errors.RuntimeNotReadyError, errors.AvatarError),
    }  # fmt: skip
    for parent, children in tree.items():
        assert all(issubclass(child, parent) for child in children)
    assert str(errors.ModelLoadError("it is broken")) == "[MODEL_LOAD] it is broken"
    assert errors.BithumanError("x", code="MINE").code == "MINE"
    for names in tree.values():
        assert all(getattr(bithuman_core, kind.__name__) is kind for kind in names)


def test_audio_chunks_are_truthy_even_when_empty() -> None:
    chunk = AudioChunk(b"", 16000)
    assert chunk
    assert (chunk.bytes, chunk.duration, chunk.to_numpy().size) == (b"", 0.0, 0)
    with pytest.raises(ValueError, match="even"):
        AudioChunk(b"\0", 16000)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"OUTPUT_WIDTH": "256", "BITHUMAN_AVATAR_MODEL": "a.imx", "BITHUMAN_API_KEY": "k", "LOADING_MODE": "ASYNC",
                        "BITHUMAN_RUNTIME_TOKEN": "t", "BITHUMAN_VERBOSE": "1"}.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    read = Settings()
    assert (read.OUTPUT_WIDTH, read.model_path, read.FPS, read.INPUT_SAMPLE_RATE, read.verbose) == (256, "a.imx", 25, 16000, True)
    assert read.api_secret is not None and read.api_token is not None
    assert (read.api_secret.get_secret_value(), read.api_token.get_secret_value()) == ("k", "t")


@pytest.mark.parametrize(("wanted", "size"), [(None, (512, 512)), (256, (256, 256)), ((320, 180), (320, 180)), (301, (300, 300))])
def test_frames_have_the_size_that_is_asked_for(fixture: Fixture, wanted: Any, size: tuple[int, int]) -> None:
    with Runtime(fixture, output_size=wanted) as runtime:
        assert runtime.get_frame_size() == (runtime.frame_width, runtime.frame_height) == size
        assert runtime.get_first_frame().shape == (size[1], size[0], 3)
        frame = next(iter(runtime.process(VideoControl())))
        assert frame.bgr_image is not None and frame.bgr_image.shape == (size[1], size[0], 3)


@pytest.mark.parametrize("wanted", [10, 5000, (512, 20), (1, 2, 3), (512.0, 512.0), 5.5, "512", [512], -3])
def test_a_bad_size_gets_a_sentence(fixture: Fixture, wanted: Any) -> None:
    with pytest.raises(ValueError, match="from 64 to"):
        Runtime(fixture, output_size=wanted)
    with pytest.raises(ValueError, match="from 64 to"):
        Bithuman.create(output_size=wanted)


@pytest.mark.parametrize(
    ("control", "says"),
    [
        (VideoControl(action=5), "name of a gesture"),  # type: ignore[arg-type]
        (VideoControl(action=[5]), "name of a gesture"),  # type: ignore[list-item]
        (VideoControl(emotion_preds="joy"), "list of EmotionPrediction"),  # type: ignore[arg-type]
        (VideoControl(emotion_preds=["joy"]), "list of EmotionPrediction"),  # type: ignore[list-item]
        (VideoControl(emotion_preds=5), "list of EmotionPrediction"),  # type: ignore[arg-type]
        (VideoControl(emotion_preds=[EmotionPrediction(Emotion.JOY, "1")]), "number from 0 to 1"),  # type: ignore[arg-type]
    ],
)
def test_a_control_of_the_wrong_kind_gets_a_sentence(fixture: Fixture, control: VideoControl, says: str) -> None:
    with Runtime(fixture, output_size=64) as runtime, pytest.raises(ValueError, match=says):
        runtime.push(control)


async def test_what_was_shut_down_does_not_start(fixture: Fixture) -> None:
    runtime = AsyncBithuman(fixture)
    await runtime.shutdown()
    with pytest.raises(RuntimeNotReadyError, match="shut down"):
        await runtime.start()


def test_the_output_width_of_the_environment_counts(fixture: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTPUT_WIDTH", "128")
    settings.cache_clear()
    try:
        assert Runtime(fixture).get_frame_size() == (128, 128)
    finally:
        monkeypatch.undo()
        settings.cache_clear()


@pytest.fixture
async def runtime(fixture: Fixture) -> AsyncIterator[AsyncBithuman]:
    async with AsyncBithuman(fixture, clock=SimulatedClock()) as made:
        yield made


async def test_process_audio_chunk_gives_the_frames_of_that_chunk(runtime: AsyncBithuman, speech: NDArray[np.int16]) -> None:
    """As the getting-started documents have it."""
    chunk = AudioChunk.from_numpy(speech[:16000] / np.float32(32768.0), sample_rate=16000)
    frames = [frame async for frame in runtime.process_audio_chunk(chunk)]
    assert len(frames) == 25
    assert np.array_equal(np.concatenate([f.audio_chunk.array for f in frames if f.audio_chunk]), speech[:16000])
    assert [f.end_of_speech for f in frames] == [False] * 24 + [True]
    assert all(f.image is f.bgr_image and f.message_id == frames[0].message_id for f in frames)
    assert np.diff([f.timestamp for f in frames]) == pytest.approx(0.04)
    assert np.diff([f.frame_id for f in frames]).tolist() == [1] * 24


async def test_process_audio_chunk_by_chunk(runtime: AsyncBithuman, speech: NDArray[np.int16]) -> None:
    heard = []
    for start in range(0, 16000, 1600):
        chunk = AudioChunk(speech[start : start + 1600], 16000, last_chunk=start == 14400)
        heard += [f.audio_chunk.array async for f in runtime.process_audio_chunk(chunk) if f.audio_chunk]
    assert np.array_equal(np.concatenate(heard), speech[:16000])


def test_process_is_not_async(fixture: Fixture, speech: NDArray[np.int16]) -> None:
    with Runtime(fixture) as runtime:
        frames = list(runtime.process(VideoControl.from_audio(speech[:3200], 16000)))
        assert np.array_equal(np.concatenate([f.audio_chunk.array for f in frames if f.audio_chunk]), speech[:3200])
        assert frames[-1].end_of_speech
        assert len(list(runtime.process(VideoControl(action="nod")))) == 1


async def test_ids_and_hashes(runtime: AsyncBithuman) -> None:
    before = runtime.transaction_id
    runtime._regenerate_transaction_id()
    assert runtime.transaction_id != before
    await runtime._initialize_token()
    assert len(runtime.model_hash) == 64
    assert (runtime.fps, runtime.sample_rate, runtime.samples_per_tick) == (25, 16000, 640)
    assert runtime.settings.INPUT_SAMPLE_RATE == 16000


class Stopwatch:
    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def test_the_plain_runtime_plays_at_play_rate(fixture: Fixture, speech: NDArray[np.int16]) -> None:
    watch = Stopwatch()
    with Bithuman(fixture, now=watch.now, sleep=watch.sleep) as runtime:
        runtime.push_audio(speech[:6400].tobytes(), 16000, last_chunk=False)
        runtime.flush()
        frames = []
        for frame in runtime.run():
            frames.append(frame)
            if frame.end_of_speech:
                break
        assert np.array_equal(np.concatenate([f.audio_chunk.array for f in frames if f.audio_chunk]), speech[:6400])
        assert watch.time == pytest.approx(0.04 * (len(frames) - 1))
        assert list(runtime.run(idle_timeout=0.2))
        runtime.push_audio(speech.tobytes(), 16000)
        runtime.interrupt()
        assert all(f.audio_chunk is None for f in runtime.run(idle_timeout=0.2))


def test_the_plain_runtime_has_one_consumer_and_an_end(fixture: Fixture) -> None:
    watch = Stopwatch()
    runtime = Bithuman(fixture, now=watch.now, sleep=watch.sleep)
    for _ in runtime.run():
        with pytest.raises(errors.RuntimeNotReadyError, match="second runtime"):
            next(iter(runtime.run()))
        runtime.stop()
    for _ in runtime.run():
        runtime.cleanup()
    with pytest.raises(errors.RuntimeNotReadyError):
        runtime.push_audio(b"", 16000)
    runtime.cleanup()


def test_both_generations_compose(fixture: Fixture, speech: NDArray[np.int16]) -> None:
    runtime = Bithuman.load(MARA, output_size=128)
    frames = list(runtime.compose(speech[:6400]))
    assert [f.frame_idx for f in frames] == list(range(10))
    assert all(f.bgr.shape == (128, 128, 3) for f in frames)
    assert next(runtime.compose(speech[:640], output_size=(96, 64))).bgr.shape == (64, 96, 3)


def test_open_and_render(tmp_path: Path, speech: NDArray[np.int16]) -> None:
    with bithuman_core.open(MARA, output_size=128) as avatar:
        frames = list(avatar.render(speech[:6400]))
        assert len(frames) == 10
        assert all(f.shape == (128, 128, 3) for f in frames)
        assert frames[0][..., 0].mean() != frames[0][..., 2].mean()
        video = tmp_path / "said.mp4"
        assert list(avatar.render(speech[:6400], video)) == []
        assert video.stat().st_size > 1000
        with pytest.raises(errors.Failed):
            list(avatar.render(tmp_path / "nothing.wav"))
        with pytest.raises(errors.Failed):
            avatar.render(np.array([np.nan]), tmp_path / "never.mp4")
    assert [p.name for p in tmp_path.iterdir()] == ["said.mp4"]
    with pytest.raises(errors.InvalidAvatar):
        bithuman_core.open(tmp_path / "nothing.imx")


def _ticks(watch: Stopwatch, fps: FPSController, count: int, cost: float) -> Iterator[float]:
    for _ in range(count):
        fps.wait_next_frame()
        watch.time += cost
        fps.update()
        yield watch.time


def test_the_fps_controller_keeps_the_rate() -> None:
    watch = Stopwatch()
    fps = FPSController(target_fps=25, now=watch.now, sleep=watch.sleep)
    assert fps.average_fps == 0.0
    times = list(_ticks(watch, fps, 100, 0.013))
    assert times[-1] - times[0] == pytest.approx(99 * 0.04)
    assert fps.average_fps == pytest.approx(25.0)
    assert fps.wait_next_frame(sleep=False) == pytest.approx(0.027)
    watch.time += 10.0
    assert fps.wait_next_frame() == 0.0
    with pytest.raises(ValueError, match="above 0"):
        FPSController(0)


async def test_a_photo_may_stand_in_the_place_of_an_avatar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    settings.cache_clear()
    with pytest.raises(errors.ModelError, match="who agreed"):
        await AsyncBithuman.create(model_path=PHOTO)
    monkeypatch.setenv("BITHUMAN_CONSENT", "The photo is in the public domain.")
    settings.cache_clear()
    try:
        async with await AsyncBithuman.create(model_path=PHOTO) as runtime:
            assert runtime.get_first_frame().std() > 10
            assert await runtime.set_model(MARA) is runtime
        assert (await asyncio.to_thread(lambda: len(list(tmp_path.rglob("*.imx"))))) == 1
    finally:
        monkeypatch.undo()
        settings.cache_clear()

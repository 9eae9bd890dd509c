"""What the guides and the examples say is what happens: their commands and programs are run."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from bithuman_core import AsyncBithuman, AudioChunk, Fixture, VideoFrame, cli
from bithuman_core.audio import float32_to_int16, load_audio
from bithuman_core.settings import models_dir, settings
from examples import audio_chunks, first_model, local_voice, microphone, save_video
from tests.plugins import need
from tests.simulated import SimulatedClock

GUIDES = Path(__file__).parents[1] / "docs" / "getting-started"
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TICK = 640


@dataclass(frozen=True)
class Block:
    """A fenced block of a guide."""

    name: str
    notes: list[str]  # what stands behind the kind: environment variables, "server", "exit=77"
    text: str
    before: str  # the paragraph above it


def blocks(kind: str) -> list[Block]:
    found = []
    for guide in sorted(GUIDES.glob("*.md")):
        text = guide.read_text("utf-8")
        for match in BLOCK.finditer(text):
            if match[1] == kind:
                before = text[: match.start()].rstrip().rpartition("\n\n")[2]
                found.append(Block(f"{guide.stem}-{len(found)}", match[2].split(), match[3], before))
    return found


@dataclass(frozen=True)
class TokenServer:
    """A running ``bithuman-core serve``, and a secret that it knows."""

    url: str
    secret: str


@pytest.fixture(scope="module")
def token_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenServer]:
    need("sqlalchemy", "alembic", "argon2", "jwt", "fsspec", "prometheus_client", "fastapi")
    from tests.service.serving import listening, make_service

    folder = tmp_path_factory.mktemp("service")
    service = make_service(f"sqlite:///{folder / 'service.db'}", folder / "files", time.time)
    secret = service.secrets.create("guides", ["read"])[0]
    with listening(service) as url:
        yield TokenServer(url, secret)
    service.close()


@pytest.fixture
def desk(tmp_path: Path, speech: NDArray[np.int16]) -> Path:
    """A folder as the reader of a guide has it."""
    (tmp_path / "mara.imx").symlink_to((models_dir() / "mara.imx").resolve())
    (tmp_path / "theirs.imx").write_bytes(b"IMX\0" + bytes(64))
    with av.open(str(tmp_path / "speech.wav"), "w") as wav:
        stream = wav.add_stream("pcm_s16le", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(speech[: 15 * TICK].reshape(1, -1), "s16", "mono")
        frame.sample_rate = 16000
        wav.mux([*stream.encode(frame), *stream.encode(None)])
    return tmp_path


@pytest.fixture
def reader(desk: Path, token_server: TokenServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Block], None]]:
    """Puts this process where the reader of a block is: his folder, his environment."""

    def sit_down(block: Block) -> None:
        given = dict(note.split("=", 1) for note in block.notes if note.startswith("BITHUMAN_"))
        if "server" in block.notes:
            given = {"BITHUMAN_API_URL": token_server.url, "BITHUMAN_API_SECRET": token_server.secret} | given
        for name in [name for name in os.environ if name.startswith("BITHUMAN_")]:
            monkeypatch.delenv(name)
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(desk)
        settings.cache_clear()

    yield sit_down
    settings.cache_clear()


@pytest.mark.parametrize("block", blocks("console"), ids=lambda block: block.name)
def test_the_commands_of_the_guides_say_what_the_guides_say(
    block: Block, desk: Path, reader: Callable[[Block], None], token_server: TokenServer,
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    command, *expected = block.text.strip().splitlines()
    arguments = command.removeprefix("$ ").split()
    reader(block)
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    written = capfd.readouterr()
    said = " ".join((written.out + written.err).split()).replace(token_server.url, "https://tokens.example.org")
    if expected:
        pattern = re.escape(" ".join(" ".join(expected).split())).replace(r"\.\.\.", ".*")
        assert re.fullmatch(pattern, said), said
    code = next((int(note.removeprefix("exit=")) for note in block.notes if note.startswith("exit=")), 0)
    assert (ended.value.code or 0) == code
    assert not code or str(code) in block.before, "the guide names the exit code"
    if "--output" in arguments and not code:
        assert frames_of(desk / "talk.mp4") == 15


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: block.name)
def test_the_programs_of_the_guides_run(block: Block, desk: Path, reader: Callable[[Block], None]) -> None:
    reader(block)
    exec(compile(block.text, block.name, "exec"), {"__name__": "__main__"})
    if "out_mp4" in block.text:
        assert frames_of(desk / "talk.mp4") == 15


def frames_of(video: Path) -> int:
    with av.open(str(video)) as container:
        return sum(1 for _ in container.decode(video=0))


# -- the programs in examples/ ---------------------------------------------------------------------------------------------
async def test_first_model(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await first_model.main(str(desk / "speech.wav"), str(desk / "mara.imx"))
    said = capsys.readouterr().out
    assert "frames of (512, 512) at 25" in said
    assert "0.6 s said" in said


def test_save_video(desk: Path) -> None:
    save_video.main(str(desk / "speech.wav"), str(desk / "out.mp4"))
    assert frames_of(desk / "out.mp4") == 15


async def test_audio_chunks(desk: Path) -> None:
    assert await audio_chunks.main(str(desk / "speech.wav")) == 15


async def test_microphone(fixture: Fixture, speech: NDArray[np.int16]) -> None:
    said = speech[: 20 * TICK]

    async def blocks_of_20_ms() -> AsyncIterator[bytes]:
        for start in range(0, said.size, 320):
            yield said[start : start + 320].tobytes()
            await asyncio.sleep(0)

    shown: list[VideoFrame] = []
    async with AsyncBithuman(fixture, clock=SimulatedClock(), output_size=128) as runtime:
        await microphone.repeat(blocks_of_20_ms(), shown.append, runtime, rate=16000)
    sounds = [frame.audio_chunk.array for frame in shown if isinstance(frame.audio_chunk, AudioChunk)]
    assert np.array_equal(np.concatenate(sounds), said)


def test_the_local_voice_speaks() -> None:
    said = local_voice.synthesise("Good morning to you.")
    assert said.dtype == np.int16
    assert 0.5 < said.size / local_voice.RATE < 4.0
    assert np.abs(said.astype(int)).max() > 3000


def test_without_a_synthesiser_the_recorded_sentence_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_voice.shutil, "which", lambda _: None)
    said = local_voice.synthesise("Two words")
    recorded, _ = load_audio(local_voice.speech_clip(), local_voice.RATE)
    assert np.array_equal(said, float32_to_int16(recorded)[: said.size])
    assert said.size == int(0.8 * local_voice.RATE)


# -- voice agents: three turns, the user breaks into the second ------------------------------------------------------------
TURNS = ("Hello there, friend.", "This story is long, it goes on and on, and it is cut.", "What is it?")


def voiced(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """The samples that are not zero: silence at seams is nobody's word."""
    return samples[samples != 0]


def assert_cut(heard: NDArray[np.int16], spoken: list[NDArray[np.int16]]) -> None:
    """First and third answer are heard whole, of the second the beginning only."""
    first, second, third = (voiced(samples) for samples in spoken)
    heard = voiced(heard)
    assert np.array_equal(heard[: first.size], first)
    assert np.array_equal(heard[heard.size - third.size :], third)
    between = heard[first.size : heard.size - third.size]
    assert 0 < between.size < second.size
    assert np.array_equal(between, second[: between.size])


@pytest.mark.skipif(find_spec("livekit") is None and os.environ.get("CI") != "true", reason="the livekit extra is not installed")
async def test_a_livekit_agent_talks_and_is_interrupted(desk: Path) -> None:
    from livekit.agents import AgentSession

    from bithuman_core.livekit import AvatarSession
    from examples.livekit_agent import LocalTTS, ScriptedLLM, talk
    from examples.offline_room import OfflineRoom

    room, voice = OfflineRoom(), LocalTTS()
    session = AgentSession(llm=ScriptedLLM(TURNS), tts=voice)
    avatar = AvatarSession()
    await avatar.start(session, room.as_room)
    await asyncio.wait_for(talk(session, room), 120)
    answers = [item.text_content for item in session.history.items if item.type == "message" and item.role == "assistant"]
    await session.aclose()
    await avatar.aclose()
    await room.close()
    assert len(voice.spoken) == 3
    assert_cut(room.heard, voice.spoken)
    assert answers[::2] == [TURNS[0], TURNS[2]]
    room.write(desk / "talk.mp4")
    assert frames_of(desk / "talk.mp4") > 25


@pytest.mark.skipif(
    find_spec("pipecat") is None and (os.environ.get("CI") != "true" or sys.version_info < (3, 11)),
    reason="the pipecat extra is not installed",
)
async def test_a_pipecat_bot_talks_and_is_interrupted(desk: Path) -> None:
    from examples.offline_output import OfflineOutput
    from examples.pipecat_agent import LocalTTS, run

    output, voice = OfflineOutput(128, 128), LocalTTS()
    await asyncio.wait_for(run(output, voice, TURNS), 120)
    assert len(voice.spoken) == 3
    assert_cut(output.heard, voice.spoken)
    assert {picture.shape for _, picture in output.pictures} == {(128, 128, 3)}
    output.write(desk / "talk.mp4")
    assert frames_of(desk / "talk.mp4") > 25

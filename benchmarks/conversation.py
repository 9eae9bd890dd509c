"""How quickly an avatar answers, all parts on this machine: ``python -m benchmarks.conversation``

Questions are spoken into a live session in real time, in front of an OpenAI-compatible server that gives the first sentence of
its answer after a set time. Printed are, from the end of the user's last word, p50 and p95: each stage, the first sound that is
sent, and the first lip that moves for it, with the brain's set time taken out; the pictures a second meanwhile; and how long the
avatar still speaks after a user has begun to speak into its answer. The network to a browser comes on top.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.addresses import Address
from bithuman_core.clock import MonotonicClock
from bithuman_core.conversation import Act, Line, Role
from bithuman_core.conversation.chat_address import ChatAddress
from bithuman_core.ears import EchoGate, TurnDetector
from bithuman_core.ears.moonshine import Moonshine
from bithuman_core.ears.voice_activity import VoiceActivity
from bithuman_core.engine import EngineTick, Fixture
from bithuman_core.face import INDEX
from bithuman_core.fastrtc.avatar_engine import AvatarEngine, AvatarState
from bithuman_core.fastrtc.live_session import LiveSession, SharedResources
from bithuman_core.fastrtc.media.yuv import YuvConverter
from bithuman_core.fastrtc.talking import LiveTalk
from bithuman_core.low_priority import be_nice
from bithuman_core.settings import find_avatar
from bithuman_core.timing import FPS, SAMPLE_RATE
from bithuman_core.voice import TextToSpeech

THINKS = 0.3  # s: of the server, before the first sentence
ANSWER = ("That is a good question, and I am glad that you ask. ", "The short answer is yes, ", "and the long one takes a while.")
QUESTIONS = (
    "When do you open tomorrow?",
    "How much is a ticket for two people?",
    "Is there a train to the city in the evening?",
    "What can you tell me about this house?",
    "Where do I find the door to the garden?",
)
PACKET = 320  # samples
LOUD = 600  # int16: of speech against the silence of these questions
SOUNDS = 100  # int16: of the avatar's voice
REST, INTO = 2.0, 1.2  # s: between talks; of an answer before somebody speaks into it
MOVES = 0.02  # of 1: a lip that moves
LIPS = [INDEX[name] for name in ("jawOpen", "mouthFunnel", "mouthPucker", "mouthLowerDownLeft", "mouthUpperUpLeft")]

Now = Callable[[], float]


class WatchedEngine(AvatarEngine):
    """Notes when the avatar's lips moved, and when a new picture was drawn."""

    def __init__(self, state: AvatarState) -> None:
        super().__init__(state)
        self.lips: list[tuple[float, float]] = []  # (monotonic s, how much they moved against the tick before)
        self._before = np.zeros(len(LIPS), np.float32)

    def step(self, samples: NDArray[np.int16] | None) -> EngineTick:
        """As ever."""
        tick = super().step(samples)
        lips = tick.face.values[LIPS]
        self.lips.append((time.monotonic(), float(np.abs(lips - self._before).max())))
        self._before = lips.copy()
        return tick


class Watched:
    """The parts of a talk, with the time at which each was begun and done."""

    def __init__(self, brain: ChatAddress, voice: TextToSpeech, ears: Moonshine) -> None:
        self._brain, self._voice, self._ears = brain, voice, ears
        self.times: dict[str, float] = {}

    def note(self, what: str) -> None:
        """The first time counts."""
        self.times.setdefault(what, time.monotonic())

    def transcribe(self, samples: NDArray[np.int16]) -> str:
        """Ears."""
        return self._ears.transcribe(samples)

    async def answer(self, talk: Sequence[Line], role: Role) -> AsyncIterator[str | Act]:
        """Brain."""
        self.note("words")
        async for piece in self._brain.answer(talk, role):
            self.note("sentence")
            yield piece

    @property
    def free(self) -> bool:
        """Of the ears."""
        return self._ears.free

    def stream(self, text: str) -> Iterator[NDArray[np.int16]]:
        """Voice."""
        yield from self._voice.stream(text)


class Bench:
    """One live session with a talk in it, on the machine's clock."""

    def __init__(self, brain: ChatAddress, voice: TextToSpeech, avatar: str) -> None:
        self.parts = Watched(brain, voice, Moonshine())
        fixture = Fixture(find_avatar(avatar))
        self.engine = WatchedEngine(AvatarState(fixture))
        self._pool, self._work = ThreadPoolExecutor(1), ThreadPoolExecutor(2, initializer=be_nice)
        shared = SharedResources(lambda: self.engine, self._pool, MonotonicClock())
        self.session = LiveSession(shared, self._hear_of, lambda: None)
        self.session.develop = YuvConverter().take
        turns = TurnDetector(VoiceActivity(), echo=EchoGate())
        self.talk = LiveTalk(self.session, self.parts, self.parts, self.parts, turns, self._in_thread, lambda emotion: None)
        self.voices: list[tuple[float, bool]] = []  # (monotonic s, whether it sounds)
        self.pictures: list[float] = []
        self.faults: list[str] = []
        say = self.session.say

        def noted(clip: Any) -> None:
            self.parts.note("sound")
            say(clip)

        self.session.say = noted

    async def _in_thread(self, blocking: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._work, blocking)

    def _hear_of(self, kind: str, data: Any) -> None:
        if kind == "error":
            self.faults.append(data)
        if kind == "talk" and data == {"state": "thinking"}:
            self.parts.note("turn")

    async def run(self, turns: int, questions: Sequence[NDArray[np.int16]], barge_ins: int) -> list[dict[str, float]]:
        """Talks, one after the other; of each the times against the end of the user's speech, s."""
        tasks = [asyncio.create_task(work) for work in (self.session.run(), self._see(), self._listen())]
        await self._speak(np.zeros(SAMPLE_RATE, np.int16))
        talks = [await self._talk(questions[number % len(questions)]) for number in range(turns)]
        self.stops = [await self._interrupt(questions[number % len(questions)], questions[0]) for number in range(barge_ins)]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        return talks

    async def _talk(self, question: NDArray[np.int16]) -> dict[str, float]:
        self.parts.times.clear()
        end = await self._speak(question)
        while self.talk.talk.state != "listening" or "sound" not in self.parts.times:
            await self._speak(np.zeros(PACKET, np.int16))
            if time.monotonic() - end > 30:
                raise SystemExit(f"No answer came: {self.faults}")
        said = self.parts.times["sound"]
        times = {name: at - end for name, at in self.parts.times.items()}
        times["sent"] = next(at for at, sounds in self.voices if sounds and at > said) - end
        times["lip"] = next(at for at, moved in self.engine.lips if moved > MOVES and at > said) - end
        await self._speak(np.zeros(int(REST * SAMPLE_RATE), np.int16))
        return times

    async def _interrupt(self, question: NDArray[np.int16], interruption: NDArray[np.int16]) -> float:
        """How long the avatar still sounds after somebody has begun to speak into its answer, s."""
        self.parts.times.clear()
        await self._speak(question)
        while self.talk.talk.state != "speaking":
            await self._speak(np.zeros(PACKET, np.int16))
        await self._speak(np.zeros(int(INTO * SAMPLE_RATE), np.int16))
        begins = int(np.argmax(np.abs(interruption) > LOUD))
        begun = time.monotonic() + begins / SAMPLE_RATE
        end = await self._speak(interruption)
        last = max((at for at, sounds in self.voices if sounds and at < end), default=begun)
        while self.talk.talk.state != "listening":
            await self._speak(np.zeros(PACKET, np.int16))
        await self._speak(np.zeros(int(REST * SAMPLE_RATE), np.int16))
        return last - begun

    async def _speak(self, samples: NDArray[np.int16]) -> float:
        """Into the microphone, 20 ms at a time. Returns when the last loud sample was spoken."""
        loud = np.flatnonzero(np.abs(samples) > LOUD)
        last, end = int(loud[-1]) if loud.size else 0, time.monotonic()
        start = time.monotonic()
        for at in range(0, samples.size, PACKET):
            self.session.hear(samples[at : at + PACKET])
            if at <= last:
                end = time.monotonic()
            await asyncio.sleep(max(start + (at + PACKET) / SAMPLE_RATE - time.monotonic(), 0))
        return end

    async def _see(self) -> None:
        while True:
            await self.session.pictures.get()
            self.pictures.append(time.monotonic())

    async def _listen(self) -> None:
        while True:
            voice = await self.session.voices.get()
            self.voices.append((time.monotonic(), bool(np.abs(voice).max() > SOUNDS)))


def serve() -> None:
    """The brain's address: the first sentence after a set time, the rest at once. Prints its port."""
    import socket

    import uvicorn
    from fastapi import FastAPI
    from fastapi.responses import StreamingResponse

    app = FastAPI()

    async def pieces() -> AsyncIterator[str]:
        await asyncio.sleep(THINKS)
        for piece in ANSWER:
            choices = [{"index": 0, "delta": {"content": piece}}]
            chunk = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": choices}
            yield f"data: {json.dumps(chunk)}\n\n"
        yield "data: [DONE]\n\n"

    @app.post("/v1/chat/completions")
    async def chat() -> StreamingResponse:
        return StreamingResponse(pieces(), media_type="text/event-stream")

    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run([listener])


def line(name: str, values: Sequence[float]) -> str:
    """One row: p50 and p95 in ms."""
    return f"{name:58s}{1000 * np.percentile(values, 50):6.0f}{1000 * np.percentile(values, 95):7.0f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--barge-ins", type=int, default=10)
    parser.add_argument("--avatar", default="mara")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve()
        return
    voice = TextToSpeech()
    voice.look()
    questions = [voice.speak(question) for question in QUESTIONS]
    command = [sys.executable, "-m", "benchmarks.conversation", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        bench = Bench(ChatAddress(Address(f"http://127.0.0.1:{port}/v1", "m")), voice, given.avatar)
        began = time.process_time(), time.monotonic()
        talks = asyncio.run(bench.run(given.turns, questions, given.barge_ins))
        used = (time.process_time() - began[0]) / (time.monotonic() - began[1])
        server.terminate()

    def between(first: str, last: str) -> list[float]:
        return [talk[last] - talk[first] for talk in talks]

    print(f"{len(talks)} turns; ms after the user's last word{'p50':>26s}{'p95':>7s}")
    print(line("  the turn is over", [talk["turn"] for talk in talks]))
    print(line("  it is understood", between("turn", "words")))
    print(line(f"  the brain's first sentence (of it {1000 * THINKS:.0f} are set)", between("words", "sentence")))
    print(line("  the first sentence's sound", between("sentence", "sound")))
    print(line("  it is sent", between("sound", "sent")))
    print(line("first sound, the brain's set time taken out", [talk["sent"] - THINKS for talk in talks]))
    print(line("first moving lip, the brain's set time taken out", [talk["lip"] - THINKS for talk in talks]))
    print(line(f"{len(bench.stops)} barge-ins: speech to silence", bench.stops or [np.nan]))
    gaps = np.diff(bench.pictures)
    print(f"pictures: {1 / gaps.mean():.2f} of {FPS} a second, longest gap {1000 * gaps.max():.0f} ms; {used:.2f} cores")
    if bench.faults:
        print("faults:", *bench.faults, sep="\n  ")


if __name__ == "__main__":
    main()

"""A LiveKit agent with a face: scripted words, a local voice, our avatar.

    python -m examples.livekit_agent dev                  joins rooms of your LiveKit server (LIVEKIT_URL, _API_KEY, _API_SECRET)
    python -m examples.livekit_agent offline talk.mp4     no server: a short talk with a barge-in, written as a video

Put your own STT, LLM and TTS in the place of the two classes; the avatar stays as it is.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    Agent,
    AgentSession,
    APIConnectOptions,
    JobContext,
    WorkerOptions,
    cli,
    llm,
    tts,
)
from numpy.typing import NDArray

from bithuman_core.livekit import AvatarSession
from examples.local_voice import RATE, synthesise
from examples.offline_room import OfflineRoom

ANSWERS = (
    "Hello! I live on this machine, without any network.",
    "Once upon a time there was a very long story, and it went on and on, and nobody ever heard the end of it, because ...",
    "Of course. What would you like to know?",
)


class ScriptedLLM(llm.LLM):
    """Answers one line after the other."""

    def __init__(self, answers: Sequence[str]) -> None:
        super().__init__()
        self.answers = list(answers)

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        **_: Any,
    ) -> llm.LLMStream:
        return ScriptedAnswer(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class ScriptedAnswer(llm.LLMStream):
    """One line."""

    async def _run(self) -> None:
        model = self._llm
        if isinstance(model, ScriptedLLM) and model.answers:
            delta = llm.ChoiceDelta(role="assistant", content=model.answers.pop(0))
            self._event_ch.send_nowait(llm.ChatChunk(id="scripted", delta=delta))


class LocalTTS(tts.TTS):
    """espeak-ng or flite. ``spoken`` keeps what was said."""

    def __init__(self) -> None:
        super().__init__(capabilities=tts.TTSCapabilities(streaming=False), sample_rate=RATE, num_channels=1)
        self.spoken: list[NDArray[np.int16]] = []

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return LocalSpeech(tts=self, input_text=text, conn_options=conn_options)


class LocalSpeech(tts.ChunkedStream):
    """One sentence."""

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        samples = await asyncio.to_thread(synthesise, self.input_text)
        if isinstance(self._tts, LocalTTS):
            self._tts.spoken.append(samples)
        output_emitter.initialize(request_id="local", sample_rate=RATE, num_channels=1, mime_type="audio/pcm")
        output_emitter.push(samples.tobytes())
        output_emitter.flush()


async def entrypoint(ctx: JobContext) -> None:
    """What LiveKit calls for every room."""
    await ctx.connect()
    session = AgentSession(llm=ScriptedLLM(ANSWERS), tts=LocalTTS())
    avatar = AvatarSession()  # model_path="me.imx" for your own face
    await avatar.start(session, ctx.room)
    await session.start(Agent(instructions="You are friendly."), room=ctx.room)
    await session.generate_reply(user_input="Hello?")


async def talk(session: AgentSession, room: OfflineRoom) -> None:
    """Three turns; the user breaks into the second one."""
    await session.start(Agent(instructions="You are friendly."))
    await session.generate_reply(user_input="Hello?")
    heard = room.heard.size
    story = session.generate_reply(user_input="Tell me a story.")
    await room.hear(heard + RATE)  # a second of it
    await session.interrupt()
    await story
    await session.generate_reply(user_input="Wait, a question!")
    await room.settle()


async def offline(path: str) -> None:
    """The same agent in a room that is not one."""
    room, session = OfflineRoom(), AgentSession(llm=ScriptedLLM(ANSWERS), tts=LocalTTS())
    avatar = AvatarSession()
    await avatar.start(session, room.as_room)
    await talk(session, room)
    await session.aclose()
    await avatar.aclose()
    await room.close()
    room.write(path)
    print(f"{path}: {len(room.pictures)} pictures")


if __name__ == "__main__":
    if sys.argv[1:2] == ["offline"]:
        asyncio.run(offline(sys.argv[2]))
    else:
        cli.run_app(WorkerOptions(entrypoint_fnc=entrypoint))

